import { z } from 'zod';

/** Head of a chain of the audit trail, as the server submits it. The chain has `sequence` records. */
export const checkpointHeadSchema = z.strictObject({
  /** A team's id, or `instance`. */
  chain: z.string().regex(/^(?:[a-z2-7]{20}|instance)$/),
  sequence: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** Of the record with that sequence, SHA-256 in hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type CheckpointHead = z.infer<typeof checkpointHeadSchema>;

/** A head with the signer's name on it: a row of the database, and a line of the anchor files. */
export const checkpointSchema = checkpointHeadSchema.extend({
  version: z.literal(1),
  /** When it was signed, by the signer's clock. ISO 8601, UTC, milliseconds. */
  time: z.iso.datetime(),
  /** The first 16 hex digits of SHA-256 over the public key's SPKI. */
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** Ed25519 (RFC 8032) over `checkpointText`, base64. */
  signature: z.base64().length(88),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** What is signed: one canonical text for one checkpoint. */
export function checkpointText({
  chain,
  sequence,
  hash,
  time,
  keyId,
}: Omit<Checkpoint, 'signature' | 'version'>): string {
  return [
    'casemate audit checkpoint v1',
    `key ${keyId}`,
    `chain ${chain}`,
    `sequence ${sequence}`,
    `hash ${hash}`,
    `time ${time}`,
    '',
  ].join('\n');
}
