import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from '#contract/warden.ts';
import { createEpoll, epollEvents } from '#kernel/epoll.ts';
import { pidfdExit, type WaitStatus } from '#kernel/pidfd.ts';

const signalNames = new Map(Object.entries(os.constants.signals).map(([name, number]) => [number, name]));

/** Tells when and how processes end, children or not. */
export interface ExitWatch extends Disposable {
  /** Resolves once the process of `pidfd` has ended; a child is reaped. The descriptor stays the caller's. */
  ended(pidfd: number): Promise<Exit>;
}

/** Watches with one epoll instance. A failure of the wait itself is told to `onFailure`. */
export function createExitWatch(onFailure: (error: unknown) => void): ExitWatch {
  const epoll = createEpoll();
  epoll.run().catch(onFailure);
  return {
    ended: (pidfd) =>
      new Promise((resolve, reject) => {
        const watch = epoll.add(pidfd, epollEvents.readable, () => {
          watch.remove();
          settle(pidfd).then(resolve, reject);
        });
      }),
    [Symbol.dispose]: () => epoll[Symbol.dispose](),
  };
}

/** A stranger's code is readable only after whoever is its parent now has reaped it. */
async function settle(pidfd: number): Promise<Exit> {
  let status: WaitStatus | 'unknown' | undefined;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    status = pidfdExit(pidfd);
    if (typeof status === 'object') {
      return {
        exitCode: status.exitCode,
        signal: status.signal === null ? null : (signalNames.get(status.signal) ?? `SIG${status.signal}`),
      };
    }
    await sleep(40);
  }
  return { exitCode: null, signal: null };
}
