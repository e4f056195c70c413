import { setTimeout as wait } from 'node:timers/promises';
import { CasemateError } from '#contract/errors.ts';
import type { Log } from '#http/log.ts';

/** Whether whoever opened something may still do what they may when they opened it. */
export type StillAllowed = () => Promise<boolean>;

interface Live {
  readonly isLive: () => Promise<boolean>;
  readonly controllers: Map<AbortController, StillAllowed | undefined>;
}

/** Why a request was aborted, when its session or key ended. */
export const credentialEnded = Symbol('credential ended');
/** Why a request was aborted, when what its actor may do has changed since it came. */
export const accessChanged = Symbol('access changed');
/** Why a request was aborted, when the server stops. */
export const serverStops = Symbol('server stops');

/**
 * Sockets, streams and requests under way, by the session or key they came with, so that its end is
 * theirs, at once. Expiry and changed roles make no sound, so every `sweepMs` each is looked at again.
 */
export interface LiveRequests extends Disposable {
  /** `stillAllowed`: for what stays open. CasemateError `rate_limited` when one credential has too much under way. */
  track(
    credential: { readonly id: string; isLive(): Promise<boolean> } | null,
    controller: AbortController,
    stillAllowed?: StillAllowed,
  ): () => void;
  end(ids: readonly string[]): void;
  /**
   * For a server that stops: sockets and streams end at once, since their browsers come back by
   * themselves; requests may finish within `patienceMs` and are aborted then.
   */
  drain(patienceMs: number): Promise<void>;
}

/** How long a server that stops lets requests finish; below the patience of whoever stops it. */
export const drainMs = 5_000;

const nobody = Symbol('nobody');
const always: StillAllowed = async () => true;
/** Tabs, terminals and downloads of one session or key at once: each holds memory for as long as it is open. */
const maximumPerCredential = 256;

export function createLiveRequests({
  log,
  sweepMs = 30_000,
}: {
  readonly log: Log;
  readonly sweepMs?: number;
}): LiveRequests {
  const live = new Map<string | typeof nobody, Live>();
  const whenNone: (() => void)[] = [];

  const end = (ids: readonly string[]): void => {
    for (const id of ids)
      for (const controller of live.get(id)?.controllers.keys() ?? []) controller.abort(credentialEnded);
  };
  const sweep = async (): Promise<void> => {
    for (const [id, { isLive, controllers }] of [...live]) {
      if (typeof id !== 'string') continue;
      if (!(await isLive())) end([id]);
      for (const [controller, stillAllowed] of [...controllers]) {
        if (stillAllowed && !controller.signal.aborted && !(await stillAllowed())) controller.abort(accessChanged);
      }
    }
  };
  const timer = setInterval(() => {
    // What cannot be looked at stays open: the next request is refused anyhow, and the next sweep comes.
    sweep().catch((error: unknown) => log.warn({ err: error }, 'open connections could not be checked'));
  }, sweepMs);
  timer.unref();

  return {
    end,
    track(credential, controller, stillAllowed) {
      const id = credential?.id ?? nobody;
      const entry = live.get(id) ?? { isLive: credential?.isLive ?? always, controllers: new Map() };
      if (credential && entry.controllers.size >= maximumPerCredential) {
        throw new CasemateError('rate_limited', 'Too many connections are open at once; close some', {
          detail: { retryAfterSeconds: 5 },
        });
      }
      live.set(id, entry);
      entry.controllers.set(controller, stillAllowed);
      return () => {
        entry.controllers.delete(controller);
        if (entry.controllers.size === 0 && live.get(id) === entry) live.delete(id);
        if (live.size === 0) for (const resume of whenNone.splice(0)) resume();
      };
    },
    async drain(patienceMs) {
      const stop = (whom: (stillAllowed: StillAllowed | undefined) => boolean): void => {
        for (const { controllers } of live.values())
          for (const [controller, stillAllowed] of controllers) if (whom(stillAllowed)) controller.abort(serverStops);
      };
      stop((stillAllowed) => stillAllowed !== undefined);
      if (live.size > 0) {
        const patience = new AbortController();
        const none = new Promise<void>((resolve) => whenNone.push(resolve));
        await Promise.race([none, wait(patienceMs, undefined, { signal: patience.signal, ref: false })]);
        patience.abort();
      }
      stop(() => true);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
