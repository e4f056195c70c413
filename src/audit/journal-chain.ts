import { createHash } from 'node:crypto';
import { journalGenesis, journalHashInput, type JournalRecord } from '#contract/journal.ts';

export interface JournalPosition {
  /** 0 before the first record. */
  readonly sequence: number;
  readonly hash: string;
}

export const journalStart: JournalPosition = { sequence: 0, hash: journalGenesis };

export type JournalDefect =
  | { readonly kind: 'gap'; readonly expected: number; readonly found: number }
  | { readonly kind: 'broken'; readonly sequence: number };

/** What is wrong with `record` as the one after `position`; undefined when it follows. */
export function followDefect(position: JournalPosition, record: JournalRecord): JournalDefect | undefined {
  const { hash, ...hashed } = record;
  const whole = createHash('sha256').update(journalHashInput(hashed)).digest('hex') === hash;
  if (!whole || record.sequence <= position.sequence) return { kind: 'broken', sequence: record.sequence };
  if (record.sequence > position.sequence + 1) {
    return { kind: 'gap', expected: position.sequence + 1, found: record.sequence };
  }
  return record.previous === position.hash ? undefined : { kind: 'broken', sequence: record.sequence };
}
