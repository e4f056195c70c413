import { z } from 'zod';
import { checkpointHeadSchema, checkpointSchema } from '#contract/checkpoint.ts';
import { listenerNames } from '#contract/server-supervision.ts';

/** What a supervised process tells `up` over its IPC channel. */
export const fromChildSchema = z.discriminatedUnion('type', [
  /** It listens and works. Until then its start counts as failed when it ends. */
  z.object({ type: z.literal('ready') }),
  /** There is no owner yet: the path and fragment of the one-time set-up link, below the server's URL. */
  z.object({ type: z.literal('setup'), path: z.string().startsWith('/') }),
  /** Something that only an attack or a defect explains, for the operator. */
  z.object({ type: z.literal('alert'), text: z.string().regex(/^[\x20-\x7e]{1,300}$/) }),
  /** Of the server: the head of an audit chain, to be signed. */
  z.object({ type: z.literal('checkpoint'), call: z.number().int(), head: checkpointHeadSchema }),
  /** The server asks for a listening socket that `up` opens: where it was configured, `narrow` on loopback only. */
  z.object({ type: z.literal('listen'), name: z.enum(listenerNames), narrow: z.boolean() }),
]);
export type FromChild = z.infer<typeof fromChildSchema>;

/** What `up` answers the server: signed, refused with the reason, or neither when there is no signer just now. */
export const checkpointAnswerSchema = z.object({
  type: z.literal('checkpoint'),
  call: z.number().int(),
  signed: checkpointSchema.optional(),
  refused: z.string().optional(),
});
export type CheckpointAnswer = z.infer<typeof checkpointAnswerSchema>;

/**
 * What `up` tells the warden before it ends it for good: without this message the warden leaves the
 * sandboxes running, and its next start adopts them.
 */
export const endSandboxesSchema = z.object({ type: z.literal('end-sandboxes') });
export type EndSandboxes = z.infer<typeof endSandboxesSchema>;
