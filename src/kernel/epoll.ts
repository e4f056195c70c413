import { closeSync, readSync, writeSync } from 'node:fs';
import os from 'node:os';
import { checked, libc } from '#kernel/libc.ts';

const epollCreate = libc.func('int epoll_create1(int flags)');
const epollControl = libc.func('int epoll_ctl(int epoll, int operation, int fd, const uint8_t *event)');
const epollWait = libc.func('int epoll_wait(int epoll, void *events, int maximum, int timeout)');
const eventfd = libc.func('int eventfd(unsigned int initial, int flags)');

const CLOEXEC = 0o2000000;
const NONBLOCK = 0o4000;
const operations = { add: 1, remove: 2, modify: 3 } as const;

/** Bits of `events` (epoll_ctl(2)). `error` and `hangUp` are always reported. */
export const epollEvents = { readable: 1, writable: 4, error: 8, hangUp: 16 } as const;

/** `struct epoll_event` is packed on x86-64 only. */
const layout = os.arch() === 'x64' ? { size: 12, data: 4 } : { size: 16, data: 8 };
const batch = 64;

export interface Epoll extends Disposable {
  /** Watches `fd`, level-triggered; `listener` gets the events. Answers how to address the watch. */
  add(fd: number, events: number, listener: (events: number) => void): EpollWatch;
  /** Ends {@link run} after the batch under way. */
  stop(): void;
  /**
   * Delivers events until stopped; waits without using CPU. A listener that throws ends it. At most
   * one thread waits, so a watch may be added, changed and removed meanwhile (epoll(7)).
   */
  run(): Promise<void>;
}

export interface EpollWatch {
  change(events: number): void;
  /** Must come before the descriptor is closed. No event is delivered afterwards. */
  remove(): void;
}

/** One epoll instance; every descriptor is closed on exec. */
export function createEpoll(): Epoll {
  const epoll = checked('epoll_create1', epollCreate(CLOEXEC));
  const wake = checked('eventfd', eventfd(0, CLOEXEC | NONBLOCK));
  const listeners = new Map<number, (events: number) => void>();
  const events = Buffer.alloc(batch * layout.size);
  let nextToken = 1;
  let stopped = false;
  let running = false;
  let disposed = false;

  const control = (operation: number, fd: number, bits: number, token: number): void => {
    const event = Buffer.alloc(layout.size);
    event.writeUInt32LE(bits, 0);
    event.writeUInt32LE(token, layout.data);
    checked('epoll_ctl', epollControl(epoll, operation, fd, event));
  };
  const add = (fd: number, bits: number, listener: (events: number) => void): EpollWatch => {
    const token = nextToken;
    nextToken = nextToken === 0xffff_ffff ? 1 : nextToken + 1;
    control(operations.add, fd, bits, token);
    listeners.set(token, listener);
    return {
      change: (changed) => control(operations.modify, fd, changed, token),
      remove: () => {
        if (listeners.delete(token)) control(operations.remove, fd, 0, 0);
      },
    };
  };
  const wait = (): Promise<number> =>
    new Promise((resolve, reject) => {
      epollWait.async(epoll, events, batch, -1, (error: Error | null, count: number) =>
        error ? reject(error) : resolve(count),
      );
    });
  const closeAll = (): void => {
    closeSync(wake);
    closeSync(epoll);
  };
  add(wake, epollEvents.readable, () => readSync(wake, Buffer.alloc(8)));

  return {
    add,
    stop() {
      stopped = true;
      if (!disposed) writeSync(wake, Buffer.from(new BigUint64Array([1n]).buffer));
    },
    async run() {
      running = true;
      try {
        while (!stopped) {
          // -1 is EINTR: the instance and the buffer are ours and valid, so nothing else can fail.
          const count = Math.max(await wait(), 0);
          // After a stop the descriptors of a batch may be closed already.
          for (let index = 0; index < count && !stopped; index += 1) {
            const at = index * layout.size;
            listeners.get(events.readUInt32LE(at + layout.data))?.(events.readUInt32LE(at));
          }
        }
      } finally {
        running = false;
        if (disposed) closeAll();
      }
    },
    [Symbol.dispose]() {
      if (disposed) return;
      this.stop();
      disposed = true;
      if (!running) closeAll();
    },
  };
}
