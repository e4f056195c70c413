import { z } from 'zod';
import { canonicalJson, type Json } from '#base/canonical.ts';

/** One line of a local journal of broker, keeper or warden (JSONL, hash-chained). */
export const journalRecordSchema = z.strictObject({
  sequence: z.number().int().min(1),
  /** Milliseconds since the Unix epoch. */
  time: z.number().int(),
  kind: z.string().regex(/^[a-z]+(?:[.-][a-z]+)*$/),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** SHA-256 of the record before, in hex; 64 zeros for the first. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  /** SHA-256 over the canonical JSON of all other members, in hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type JournalRecord = z.infer<typeof journalRecordSchema>;

export const journalGenesis = '0'.repeat(64);

/** The text that a record's hash is taken over. */
export function journalHashInput(record: Omit<JournalRecord, 'hash'>): string {
  const { sequence, time, kind, data, previous } = record;
  return canonicalJson({ sequence, time, kind, data: data as Json, previous });
}

/** The method by which the server ingests a journal; waits up to `waitMs` for the first new record. */
export const journalRead = {
  request: z.strictObject({
    after: z.number().int().min(0),
    limit: z.number().int().min(1).max(1000),
    waitMs: z.number().int().min(0).max(30_000),
  }),
  /** `first`: the oldest sequence still kept; greater than `after + 1` means a gap, which is an alert. */
  reply: z.strictObject({ first: z.number().int().min(1), records: z.array(journalRecordSchema) }),
};
