import { closeSync, mkdirSync, openSync, readdirSync, readSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';

/** A segment is left for a new one once it holds this much. */
const segmentBytes = 262_144;
const segmentName = /^(\d{16})\.segment$/;

/**
 * The output of one terminal as plain files in tmpfs, each named by the absolute offset of its first
 * byte. The kernel moves bytes into it (`splice`), so a file's size is the truth after `kill -9`.
 */
export interface Spool {
  /** Absolute offset of the first byte that is still here. */
  readonly start: number;
  /** Absolute offset after the last byte. */
  readonly end: number;
  /** Where the next bytes go. May throw for a full tmpfs. */
  target(): { readonly fd: number; readonly position: number };
  /** Tells that `bytes` were put at the target. */
  grew(bytes: number): void;
  /** At most `maximum` bytes from `offset`, which must lie between `start` and `end`. */
  read(offset: number, maximum: number): Buffer;
  /** Removes the segments that end at or before `offset`, but never the newest. */
  trim(offset: number): void;
  /** Removes what lies before `offset` even where that leaves a new, empty segment. May throw for a full tmpfs. */
  trimHard(offset: number): void;
  /** Closes descriptors; the files stay. */
  close(): void;
}

interface Segment {
  readonly file: string;
  readonly start: number;
  length: number;
}

function load(directory: string): Segment[] {
  const segments: Segment[] = [];
  for (const name of readdirSync(directory).sort()) {
    const start = segmentName.exec(name)?.[1];
    if (start === undefined) continue;
    const file = path.join(directory, name);
    segments.push({ file, start: Number(start), length: statSync(file).size });
  }
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (next && next.start !== segment.start + segment.length) throw new Error(`the spool has a gap at ${next.start}`);
  }
  return segments;
}

/** Opens or makes the spool in `directory`, which is made when it is absent. */
export function openSpool(directory: string): Spool {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const segments = load(directory);
  let fd: number | undefined;

  const last = (): Segment | undefined => segments.at(-1);
  const end = (): number => {
    const newest = last();
    return newest ? newest.start + newest.length : 0;
  };
  const release = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const rotate = (): Segment => {
    const start = end();
    const file = path.join(directory, `${String(start).padStart(16, '0')}.segment`);
    const made = openSync(file, 'wx+', 0o600);
    release();
    fd = made;
    const newest = { file, start, length: 0 };
    segments.push(newest);
    return newest;
  };
  const target = (): { fd: number; position: number } => {
    let newest = last();
    if (!newest || newest.length >= segmentBytes) newest = rotate();
    fd ??= openSync(newest.file, 'r+');
    return { fd, position: newest.length };
  };
  const trim = (offset: number): void => {
    for (let oldest = segments[0]; oldest && segments.length > 1; oldest = segments[0]) {
      if (oldest.start + oldest.length > offset) break;
      unlinkSync(oldest.file);
      segments.shift();
    }
  };
  const readSegment = (segment: Segment, into: Buffer, at: number, position: number): void => {
    const length = Math.min(into.length - at, segment.length - position);
    const open = segment === last() && fd !== undefined ? fd : openSync(segment.file, 'r');
    try {
      if (readSync(open, into, at, length, position) !== length)
        throw new Error('a spool segment is shorter than known');
    } finally {
      if (open !== fd) closeSync(open);
    }
  };

  return {
    get start() {
      return segments[0]?.start ?? 0;
    },
    get end() {
      return end();
    },
    target,
    grew(bytes) {
      const newest = last();
      if (!newest) throw new Error('the spool grew without a segment');
      newest.length += bytes;
    },
    read(offset, maximum) {
      const bytes = Buffer.allocUnsafeSlow(Math.min(maximum, end() - offset));
      for (const segment of segments) {
        const at = Math.max(segment.start - offset, 0);
        if (at >= bytes.length) break;
        if (segment.start + segment.length > offset) readSegment(segment, bytes, at, offset + at - segment.start);
      }
      return bytes;
    },
    trim,
    trimHard(offset) {
      const newest = last();
      if (newest && newest.length > 0 && end() <= offset) rotate();
      trim(offset);
    },
    close: release,
  };
}
