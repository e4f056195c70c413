/** Wakes everyone who waits, as often as something happens. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, after `milliseconds`, or when `signal` aborts. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Calls `listener` at every ring, until the answer is called. */
  listen(listener: () => void): () => void;
}

export function createBell(): Bell {
  const waiters = new Set<() => void>();
  return {
    ring() {
      for (const waiter of waiters) waiter();
    },
    listen(listener) {
      waiters.add(listener);
      return () => waiters.delete(listener);
    },
    wait: (milliseconds, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          waiters.delete(done);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, milliseconds);
        waiters.add(done);
        signal?.addEventListener('abort', done);
      }),
  };
}
