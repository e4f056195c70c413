import { readFileSync } from 'node:fs';
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
  /** True while somebody waits for the end of this process. */
  isWatched(pid: number): boolean;
}

/** Watches with one epoll instance. A failure of the wait itself is told to `onFailure`. */
export function createExitWatch(onFailure: (error: unknown) => void): ExitWatch {
  const epoll = createEpoll();
  const watched = new Set<number>();
  epoll.run().catch(onFailure);
  return {
    async ended(pidfd) {
      const pid = pidOf(pidfd);
      watched.add(pid);
      try {
        await new Promise<void>((resolve) => {
          const watch = epoll.add(pidfd, epollEvents.readable, () => {
            watch.remove();
            resolve();
          });
        });
        return await settle(pidfd);
      } finally {
        watched.delete(pid);
      }
    },
    isWatched: (pid) => watched.has(pid),
    [Symbol.dispose]: () => epoll[Symbol.dispose](),
  };
}

/** The pid that a pidfd names in this process's own namespace (pidfd_open(2)). */
function pidOf(pidfd: number): number {
  return Number(/^Pid:\t(-?\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${pidfd}`, 'latin1'))?.[1] ?? -1);
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
