import { z } from 'zod';

/** A certificate with its chain, and its private key, both PEM. */
export const certificatePairSchema = z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) });
export type CertificatePair = z.infer<typeof certificatePairSchema>;

/** `app`: the one port that serves everything. `plain`: where plain HTTP is sent on to https://. */
export const listenerNames = ['app', 'plain'] as const;
export type ListenerName = (typeof listenerNames)[number];

/** What `up` tells the server over Node's IPC. */
export const toServerSchema = z.discriminatedUnion('type', [
  /** Before the server listens, and whenever they change: the pairs to serve, the first for names of none. */
  z.strictObject({ type: z.literal('certificates'), pairs: z.array(certificatePairSchema).min(1) }),
  /** The answer to an HTTP-01 challenge (RFC 8555, section 8.3); null takes it back. */
  z.strictObject({
    type: z.literal('challenge'),
    token: z.string().regex(/^[A-Za-z0-9_-]{16,256}$/),
    answer: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{16,512}$/)
      .nullable(),
  }),
  /** Answers `listen`; the listening socket travels beside it, unless there is a problem. */
  z.strictObject({ type: z.literal('listener'), name: z.enum(listenerNames), problem: z.string().nullable() }),
]);
export type ToServer = z.infer<typeof toServerSchema>;
