import { CasemateError } from '#contract/errors.ts';
import type { WardenEvent } from '#contract/warden.ts';

/** Events that wait for one listener. */
const maximumQueue = 10_000;

/** Tells every listener of what happens. A listener that is slow has a queue of its own, up to a length. */
export interface Events {
  announce(event: WardenEvent): void;
  /** Events from now on, until `signal` aborts. Throws `rate_limited` when too many wait: the lists say what holds. */
  follow(signal: AbortSignal): AsyncIterable<WardenEvent>;
}

export function createEvents(): Events {
  const listeners = new Set<(event: WardenEvent) => void>();
  return {
    announce: (event) => {
      for (const listener of listeners) listener(event);
    },
    async *follow(signal) {
      const queue: WardenEvent[] = [];
      let wake: () => void = () => {};
      const listener = (event: WardenEvent): void => {
        if (queue.length <= maximumQueue) queue.push(event);
        wake();
      };
      const stopped = (): void => wake();
      listeners.add(listener);
      signal.addEventListener('abort', stopped);
      try {
        while (!signal.aborted) {
          if (queue.length > maximumQueue) {
            throw new CasemateError('rate_limited', 'Too many events waited to be read. The lists say what holds now.');
          }
          const event = queue.shift();
          if (event) yield event;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        listeners.delete(listener);
        signal.removeEventListener('abort', stopped);
      }
    },
  };
}
