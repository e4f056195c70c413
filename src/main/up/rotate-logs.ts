import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  watch,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { collapseHead, punchHole } from '#kernel/fallocate.ts';

const pieceBytes = 1_048_576;
/** A flood may go on for so long before it is noticed. */
const lookAgainMs = 100;

export interface RotationLimits {
  /** Of one file, in bytes; a multiple of the file system's block. */
  readonly maximumBytes: number;
  /** How many older files each log has: `<name>.log.1` is the newest. */
  readonly kept: number;
}

/** 40 MiB for each process at most. */
const defaultLimits: RotationLimits = { maximumBytes: 10 * 1_048_576, kept: 3 };

/**
 * Keeps every `*.log` of a directory small while others write it. Processes hold their log open, and some
 * outlive whoever opened it: so the file stays the same, and its head is copied aside and then cut
 * off below them. A line that is written meanwhile is in one of both files; one may begin in the older
 * and end in the newer.
 */
export function rotateLogs(
  directory: string,
  onFailure: (error: unknown) => void,
  limits: RotationLimits = defaultLimits,
): Disposable {
  let scheduled: NodeJS.Timeout | undefined;
  const look = (): void => {
    scheduled = undefined;
    try {
      for (const name of readdirSync(directory)) {
        if (name.endsWith('.log')) rotateWhileLarge(join(directory, name), limits);
      }
    } catch (error) {
      onFailure(error);
    }
  };
  const watcher = watch(directory, () => {
    scheduled ??= setTimeout(look, lookAgainMs).unref();
  });
  watcher.on('error', onFailure);
  watcher.unref();
  look();
  return {
    [Symbol.dispose]() {
      clearTimeout(scheduled);
      watcher.close();
    },
  };
}

function rotateWhileLarge(path: string, { maximumBytes, kept }: RotationLimits): void {
  if (statSync(path).blocks * 512 <= maximumBytes) return;
  const fd = openSync(path, 'r+');
  try {
    // One rotation takes `maximumBytes` at most; a flood has brought more since the last look.
    for (let start = firstData(fd, path); fstatSync(fd).size - start > maximumBytes; start = firstData(fd, path)) {
      const end = start + maximumBytes;
      for (let number = kept - 1; number >= 1; number -= 1) {
        if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
      }
      copyRange(fd, start, end, `${path}.1`);
      cutHead(fd, start, end, path);
    }
  } finally {
    closeSync(fd);
  }
}

/** Where a file's head was cut by a hole, by path: what lies before reads as zeros. */
const holes = new Map<string, number>();
const firstData = (fd: number, path: string): number => {
  const hole = holes.get(path) ?? 0;
  // Somebody emptied or replaced it.
  return fstatSync(fd).size < hole ? 0 : hole;
};

function cutHead(fd: number, start: number, end: number, path: string): void {
  try {
    if (start === 0) return collapseHead(fd, end);
  } catch (error) {
    // Two names of one number.
    if (!['EOPNOTSUPP', 'ENOTSUP'].includes((error as { code?: string }).code ?? '')) throw error;
  }
  punchHole(fd, start, end);
  holes.set(path, end);
}

/** A crash between this and the cut leaves lines twice, never none. */
function copyRange(fd: number, start: number, end: number, target: string): void {
  const copy = openSync(target, 'w', 0o600);
  try {
    const piece = Buffer.alloc(pieceBytes);
    for (let at = start; at < end; ) {
      const read = readSync(fd, piece, 0, Math.min(piece.length, end - at), at);
      if (read === 0) throw new Error(`${target}: the log became shorter while it was copied`);
      writeSync(copy, piece, 0, read);
      at += read;
    }
  } finally {
    closeSync(copy);
  }
}
