import { closeSync, openSync } from 'node:fs';
import { lockExclusively } from '#kernel/flock.ts';
import type { DataPaths } from '#main/up/paths.ts';

/** Another `up` works on the same data directory. */
export class RunsAlready extends Error {
  override readonly name = 'RunsAlready';
}

/** Makes this process the only `up` of its data directory, until it ends. Throws RunsAlready. */
export function lockDataDirectory(paths: DataPaths): Disposable {
  const fd = openSync(paths.lock, 'w', 0o600);
  try {
    lockExclusively(fd);
  } catch (error) {
    closeSync(fd);
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    throw new RunsAlready(
      `Casemate runs already with ${paths.root}: \`./casemate status --data ${paths.root}\` shows it, \`./casemate down\` stops it`,
      { cause: error },
    );
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}

/** Whether an `up` holds the lock now. */
export function isLocked(paths: DataPaths): boolean {
  try {
    lockDataDirectory(paths)[Symbol.dispose]();
    return false;
  } catch (error) {
    if (error instanceof RunsAlready) return true;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
