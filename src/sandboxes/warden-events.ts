import type { Channel } from '#channel/connect.ts';
import type { Log } from '#channel/log.ts';
import { CasemateError } from '#contract/errors.ts';
import type { WardenEvent, wardenMethods } from '#contract/warden.ts';

export type Warden = Channel<typeof wardenMethods>;

export interface WardenListener {
  /** Something ended. */
  readonly event: (event: WardenEvent) => Promise<void>;
  /** The warden is there, at first or again, and events flow: compare its lists with what was known. */
  readonly connected: () => Promise<void>;
}

export interface WardenEvents extends Disposable {
  /** Listeners run in order of registration, one event after the other; what they throw is logged. */
  listen(listener: WardenListener): void;
  /** Begins; listeners must be registered by now. */
  start(): void;
}

const retryMs = 250;

/** Follows the warden's events over its restarts. */
export function createWardenEvents({ warden, log }: { readonly warden: Warden; readonly log: Log }): WardenEvents {
  const listeners: WardenListener[] = [];
  const stop = new AbortController();

  const tell = async (what: string, run: (listener: WardenListener) => Promise<void>): Promise<void> => {
    for (const listener of listeners) {
      try {
        await run(listener);
      } catch (error) {
        log.error({ err: error }, `a listener of the warden failed: ${what}`);
      }
    }
  };

  const follow = async (): Promise<void> => {
    const call = warden.open('events', {}, { signal: stop.signal });
    try {
      // The list is asked for on the same connection after the subscription, so that no end falls between.
      await warden.call('warden.health', {}, { signal: stop.signal });
      await tell('connected', (listener) => listener.connected());
      for await (const { header } of call.items) await tell(header.type, (listener) => listener.event(header));
      await call.done;
    } finally {
      call.cancel();
    }
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (stop.signal.aborted) return;
        const expected = error instanceof CasemateError && error.code === 'unavailable';
        log[expected ? 'debug' : 'warn']({ err: error }, 'the events of the warden ended; asking again');
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
    }
  };

  return {
    listen: (listener) => void listeners.push(listener),
    start: () => void run(),
    [Symbol.dispose]: () => stop.abort(),
  };
}
