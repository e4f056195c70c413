import { closeSync, read, unlinkSync, write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptUnix, listenUnix, receiveRights } from '#kernel/socket-rights.ts';

/** The master of a terminal, taken from the runtime as the keeper takes it. */
export interface Master extends Disposable {
  /** All that was shown so far. */
  readonly text: () => string;
  /** Resolves once `pattern` was shown; rejects after ten seconds. */
  shown(pattern: RegExp): Promise<void>;
  type(text: string): void;
}

/** Listens at `path`; call `master` once the terminal was started. */
export function takeMaster(path: string): { master(): Promise<Master> } {
  const listener = listenUnix(path);
  return {
    async master() {
      let connection: number | undefined;
      for (let attempt = 0; connection === undefined && attempt < 500; attempt += 1) {
        connection = acceptUnix(listener);
        if (connection === undefined) await sleep(10);
      }
      if (connection === undefined) throw new Error('the runtime sent no master');
      let fd: number | undefined;
      for (let attempt = 0; fd === undefined && attempt < 500; attempt += 1) {
        fd = receiveRights(connection)?.descriptors[0];
        if (fd === undefined) await sleep(10);
      }
      closeSync(connection);
      closeSync(listener);
      unlinkSync(path);
      if (fd === undefined) throw new Error('the runtime sent no descriptor');
      return follow(fd);
    },
  };
}

function follow(fd: number): Master {
  let text = '';
  let open = true;
  const next = (): void => {
    const buffer = Buffer.alloc(65_536);
    read(fd, buffer, 0, buffer.length, null, (error, count) => {
      // EIO: every slave is closed.
      if (error || count === 0 || !open) return;
      text += buffer.toString('utf8', 0, count);
      next();
    });
  };
  next();
  return {
    text: () => text,
    async shown(pattern) {
      for (let attempt = 0; attempt < 500; attempt += 1) {
        if (pattern.test(text)) return;
        await sleep(20);
      }
      throw new Error(`${pattern} was not shown, but: ${text}`);
    },
    type: (typed) => write(fd, typed, () => undefined),
    [Symbol.dispose]() {
      open = false;
      closeSync(fd);
    },
  };
}
