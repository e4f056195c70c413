import { createHash } from 'node:crypto';
import { type JournalRecord, journalHashInput, journalRecordSchema } from '#contract/journal.ts';

/** The hash of a record (contract/journal.ts), hex. */
export function journalHash(record: Omit<JournalRecord, 'hash'>): string {
  return createHash('sha256').update(journalHashInput(record)).digest('hex');
}

/** What a segment file holds: whole records, and how many bytes they take. What follows is torn or preallocated. */
export interface SegmentContent {
  readonly records: JournalRecord[];
  readonly bytes: number;
}

/** Reads the records of a segment up to the first line that is not whole: a crash may tear only the last. */
export function readSegment(content: Buffer): SegmentContent {
  const records: JournalRecord[] = [];
  let at = 0;
  for (;;) {
    const end = content.indexOf(0x0a, at);
    if (end === -1) break;
    const record = parseRecord(content.toString('utf8', at, end));
    if (!record) break;
    records.push(record);
    at = end + 1;
  }
  return { records, bytes: at };
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    return journalRecordSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
