import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, systemClock } from '#base/clock.ts';
import { CasemateError } from '#contract/errors.ts';
import { journalGenesis, type JournalRecord } from '#contract/journal.ts';
import { journalHash, readSegment, readStart, segmentBytes, zeroSegment } from '#journal/segment.ts';
import { openSpares } from '#journal/spares.ts';

export interface Journal extends Disposable {
  /**
   * Appends a record before the act that it tells of. When it returns, `kill -9` cannot lose the
   * record. Throws CasemateError `no_space` when the journal is full or the disk takes no more: the
   * act must then be refused (H8).
   */
  append(kind: string, data: JournalRecord['data']): JournalRecord;
  /**
   * Records after `after`, waiting up to `waitMs` for the first. Asking after a sequence
   * acknowledges all up to it, so that their space may be used again.
   */
  read(
    request: { readonly after: number; readonly limit: number; readonly waitMs: number },
    signal?: AbortSignal,
  ): Promise<{ first: number; records: JournalRecord[] }>;
  close(): void;
}

export interface JournalOptions {
  /** Exists or is made (0700). */
  readonly directory: string;
  /**
   * Room for records that nobody has acknowledged, in whole MiB (at least one), taken from the disk
   * when the journal is opened. Where the disk has less, the journal has less, and takes more later.
   */
  readonly maximumBytes?: number;
  readonly clock?: Clock;
}

const defaultMaximumBytes = 16 * segmentBytes;
const segmentName = /^(\d{16})\.jsonl$/;

interface Segment {
  readonly file: string;
  readonly first: number;
  last: number;
  bytes: number;
}

/** Opens or makes a journal. A torn last line (a crash in mid-append) is cut off: its act was never begun. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory, maximumBytes = defaultMaximumBytes, clock = systemClock } = options;
  const maximumSegments = Math.max(1, Math.floor(maximumBytes / segmentBytes));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const spares = openSpares(directory);
  const segments = loadSegments(directory);
  const newest = segments.at(-1);
  const tail = newest && readSegment(readStart(newest.file, newest.bytes), newest.first).records.at(-1);
  let sequence = newest?.last ?? 0;
  let previous = tail?.hash ?? journalGenesis;
  let descriptor = newest ? openSync(newest.file, 'r+') : undefined;
  if (newest && descriptor !== undefined) clearTail(descriptor, newest);
  spares.fill(maximumSegments - segments.length);
  let timer: NodeJS.Timeout | undefined;
  const waiting = new Set<() => void>();

  // kill -9 is survived by write(2) alone; a power cut loses at most this long.
  const flush = (): void => {
    clearTimeout(timer);
    if (timer === undefined || descriptor === undefined) return;
    timer = undefined;
    fdatasyncSync(descriptor);
  };

  const roll = (): Segment => {
    flush();
    const segment: Segment = {
      file: path.join(directory, `${String(sequence + 1).padStart(16, '0')}.jsonl`),
      first: sequence + 1,
      last: sequence,
      bytes: 0,
    };
    spares.take(segment.file);
    const opened = openSync(segment.file, 'r+');
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = opened;
    segments.push(segment);
    return segment;
  };

  const append: Journal['append'] = (kind, data) => {
    const fields = { sequence: sequence + 1, time: clock.now(), kind, data, previous };
    const record: JournalRecord = { ...fields, hash: journalHash(fields) };
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    const current = segments.at(-1);
    const fits = current !== undefined && current.bytes + line.length <= segmentBytes;
    if ((!fits && segments.length >= maximumSegments) || line.length > segmentBytes) {
      throw new CasemateError('no_space', 'The journal is full; nothing was done. It empties when the server reads it');
    }
    try {
      const segment = fits ? current : roll();
      writeWhole(descriptor as number, line, segment.bytes);
      segment.bytes += line.length;
      segment.last = record.sequence;
    } catch (cause) {
      throw new CasemateError('no_space', 'The journal could not be written; nothing was done', { cause });
    }
    timer ??= setTimeout(flush, 100).unref();
    sequence = record.sequence;
    previous = record.hash;
    for (const wake of waiting) wake();
    return record;
  };

  const forget = (acknowledged: number): void => {
    // The newest record is kept whatever was acknowledged: the chain goes on from its hash.
    while (segments.length > 1 && (segments[1] as Segment).bytes > 0 && (segments[0] as Segment).last <= acknowledged) {
      spares.giveBack((segments[0] as Segment).file);
      segments.shift();
    }
    // What the disk did not have at the start it may have now; one at a time, because somebody waits.
    if (segments.length + spares.count < maximumSegments) spares.fill(spares.count + 1);
  };

  const read: Journal['read'] = async ({ after, limit, waitMs }, signal) => {
    forget(Math.min(after, sequence));
    if (after >= sequence && waitMs > 0 && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          clearTimeout(deadline);
          waiting.delete(finish);
          signal?.removeEventListener('abort', finish);
          resolve();
        };
        const deadline = setTimeout(finish, waitMs);
        waiting.add(finish);
        signal?.addEventListener('abort', finish);
      });
    }
    const records: JournalRecord[] = [];
    for (const segment of segments) {
      if (records.length >= limit) break;
      if (segment.last <= after) continue;
      for (const record of readSegment(readStart(segment.file, segment.bytes)).records) {
        if (record.sequence > after && records.length < limit) records.push(record);
      }
    }
    return { first: segments[0]?.first ?? 1, records };
  };

  const close = (): void => {
    flush();
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
    for (const wake of waiting) wake();
  };
  return { append, read, close, [Symbol.dispose]: close };
}

function loadSegments(directory: string): Segment[] {
  const segments: Segment[] = [];
  for (const name of readdirSync(directory).sort()) {
    const match = segmentName.exec(name);
    if (!match) continue;
    const file = path.join(directory, name);
    const first = Number(match[1]);
    const { records, bytes } = readSegment(readFileSync(file), first);
    if (records.length === 0 && segments.length > 0) {
      unlinkSync(file);
      continue;
    }
    segments.push({ file, first, last: records.at(-1)?.sequence ?? first - 1, bytes });
  }
  return segments;
}

/** What a crash tore is made zeros again, and a file of an earlier release, or of a full disk, gets its whole size. */
function clearTail(descriptor: number, { file, bytes }: Segment): void {
  const content = readFileSync(file);
  const clear = content.length === segmentBytes && content.subarray(bytes).every((value) => value === 0);
  if (clear || bytes >= segmentBytes) return;
  try {
    zeroSegment(descriptor, bytes);
  } catch (error) {
    // A disk without room for the rest: records that fit are taken all the same, and others refused.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/**
 * Writes all of `bytes` at `position`. What a failure leaves there is no line, and the next record
 * is written over it.
 */
function writeWhole(descriptor: number, bytes: Buffer, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  }
}
