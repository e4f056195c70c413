import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** A process's log, appended to by its descriptor. */
export interface LogFile extends Disposable {
  readonly path: string;
  readonly fd: number;
}

/** Opens `<directory>/<name>.log` for appending; `rotateLogs` keeps it small under whoever writes it. */
export function openLogFile(directory: string, name: string): LogFile {
  const path = join(directory, `${name}.log`);
  const fd = openSync(path, 'a', 0o600);
  return { path, fd, [Symbol.dispose]: () => closeSync(fd) };
}
