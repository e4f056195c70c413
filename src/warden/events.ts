import type { WardenEvent } from '#contract/warden.ts';

/** Tells every listener of what happens. A listener that is slow loses nothing: its queue is its own. */
export interface Events {
  announce(event: WardenEvent): void;
  /** Events from now on, until `signal` aborts. */
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
        queue.push(event);
        wake();
      };
      const stopped = (): void => wake();
      listeners.add(listener);
      signal.addEventListener('abort', stopped);
      try {
        while (!signal.aborted) {
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
