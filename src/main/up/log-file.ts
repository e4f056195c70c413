import { closeSync, copyFileSync, existsSync, fstatSync, ftruncateSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const maximumBytes = 10 * 1024 * 1024;
const kept = 3;

/** A process's log, appended to by its descriptor. */
export interface LogFile extends Disposable {
  readonly path: string;
  readonly fd: number;
}

/**
 * Opens `<directory>/<name>.log` for appending. When it has grown to 10 MiB it is copied aside and
 * emptied: processes that outlive this one go on writing to the same file.
 */
export function openLogFile(directory: string, name: string): LogFile {
  const path = join(directory, `${name}.log`);
  const fd = openSync(path, 'a', 0o600);
  const timer = setInterval(() => {
    if (fstatSync(fd).size < maximumBytes) return;
    try {
      copyFileSync(path, `${path}.new`);
    } catch (error) {
      // Nothing is thrown away on a disk without room for the copy; the next turn tries again.
      rmSync(`${path}.new`, { force: true });
      if (['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
    for (let number = kept - 1; number >= 1; number -= 1) {
      if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
    }
    renameSync(`${path}.new`, `${path}.1`);
    ftruncateSync(fd);
  }, 15_000);
  timer.unref();
  return {
    path,
    fd,
    [Symbol.dispose]() {
      clearInterval(timer);
      closeSync(fd);
    },
  };
}
