import { z } from 'zod';

const path = z.string().startsWith('/');

/**
 * How one of our processes is confined: what the launcher (`main/confine.ts`) builds around it before it
 * starts. Root writes it, and root alone reads it.
 */
export const confinementSchema = z.strictObject({
  /** Entry and arguments, run by the Node that runs the launcher. */
  program: z.array(z.string()).min(1),
  uid: z.number().int().min(1),
  gid: z.number().int().min(1),
  environment: z.record(z.string(), z.string()),
  /** Sent to it when the process that started it ends; null: it outlives that one. */
  deathSignal: z.enum(['SIGTERM', 'SIGKILL']).nullable(),
  /** `own`: a network namespace with nothing in it. */
  network: z.enum(['own', 'host']),
  /** Descriptors that it inherits besides 0–2 and Node's channel. */
  descriptors: z.array(z.number().int().min(4)),
  /** Trees and files that it may read; those that are absent are left out. */
  readable: z.array(path),
  /** Directories that it may change. */
  writable: z.array(path),
  /** It resolves names and trusts the machine's certificate authorities. */
  resolvesNames: z.boolean(),
  /** It starts holders and looks for them: it gets their program, and sees processes of its own user. */
  startsHolders: z.boolean(),
  /**
   * TCP ports that Landlock lets it connect to. Null: no Landlock, which would keep a restarted keeper from the
   * descriptors of the holders before it.
   */
  connects: z.union([z.array(z.number().int()), z.literal('any')]).nullable(),
});
export type Confinement = z.infer<typeof confinementSchema>;
