import { closeSync } from 'node:fs';
import type { Log } from '#channel/log.ts';
import { type HolderIdentity, openHolder } from '#keeper/holder.ts';
import { type Epoll, epollEvents, type EpollWatch } from '#kernel/epoll.ts';

const retryMs = 1000;

export interface HolderGuardOptions {
  readonly epoll: Epoll;
  readonly log: Log;
  readonly terminalId: string;
  /** The holder there is already, if any. */
  readonly holder: HolderIdentity | null;
  readonly start: () => HolderIdentity;
  readonly onStarted: (holder: HolderIdentity) => void;
}

export interface HolderGuard {
  /** Stops watching; the holder stays. */
  close(): void;
}

/** Sees to it that a process beside the keeper holds a terminal's descriptors, now and whenever that process ends. */
export function guardHolder(options: HolderGuardOptions): HolderGuard {
  const { epoll, log, terminalId } = options;
  let { holder } = options;
  let pidfd: number | undefined;
  let watch: EpollWatch | undefined;
  let timer: NodeJS.Timeout | undefined;

  const close = (): void => {
    clearTimeout(timer);
    watch?.remove();
    watch = undefined;
    if (pidfd !== undefined) closeSync(pidfd);
    pidfd = undefined;
  };
  const guard = (): void => {
    close();
    try {
      pidfd = holder ? openHolder(holder) : undefined;
      if (pidfd === undefined) {
        holder = options.start();
        options.onStarted(holder);
        pidfd = openHolder(holder);
      }
      if (pidfd === undefined) throw new Error('a holder ended at once');
      watch = epoll.add(pidfd, epollEvents.readable, () => {
        log.warn({ terminalId }, 'a holder ended; another takes its place');
        guard();
      });
    } catch (error) {
      log.error({ err: error, terminalId }, 'a terminal has no holder for now: it would not survive the keeper');
      timer = setTimeout(guard, retryMs);
    }
  };
  guard();
  return { close };
}
