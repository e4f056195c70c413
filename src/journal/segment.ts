import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { type JournalRecord, journalHashInput, journalRecordSchema } from '#contract/journal.ts';

/** Bytes of a segment's file, all of them taken from the disk when it is made. */
export const segmentBytes = 1_048_576;

const zeros = Buffer.alloc(65_536);

/** The hash of a record (contract/journal.ts), hex. */
export function journalHash(record: Omit<JournalRecord, 'hash'>): string {
  return createHash('sha256').update(journalHashInput(record)).digest('hex');
}

/** What a segment file holds: whole records, and how many bytes they take. What follows is torn or preallocated. */
export interface SegmentContent {
  readonly records: JournalRecord[];
  readonly bytes: number;
}

/**
 * Reads the records of a segment up to the first line that is not whole: a crash may tear only the
 * last, and the preallocated rest is zeros, which end no line. With `first`, records must count from
 * there: what an earlier use of the file left after a power cut does not.
 */
export function readSegment(content: Buffer, first?: number): SegmentContent {
  const records: JournalRecord[] = [];
  let at = 0;
  for (;;) {
    const end = content.indexOf(0x0a, at);
    if (end === -1) break;
    const record = parseRecord(content.toString('utf8', at, end));
    if (!record || (first !== undefined && record.sequence !== first + records.length)) break;
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

/** Writes zeros from `from` up to the size of a segment. Throws ENOSPC where the disk has not so much. */
export function zeroSegment(descriptor: number, from: number): void {
  for (let at = from; at < segmentBytes; ) {
    at += writeSync(descriptor, zeros, 0, Math.min(zeros.length, segmentBytes - at), at);
  }
}

/** The first `bytes` of a file, or fewer where it is shorter. */
export function readStart(file: string, bytes: number): Buffer {
  const content = Buffer.allocUnsafe(bytes);
  const descriptor = openSync(file, 'r');
  try {
    let read = 0;
    for (;;) {
      const count = readSync(descriptor, content, read, bytes - read, read);
      read += count;
      if (count === 0 || read === bytes) return content.subarray(0, read);
    }
  } finally {
    closeSync(descriptor);
  }
}
