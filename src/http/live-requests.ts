import type { Log } from '#http/log.ts';

interface Live {
  readonly isLive: () => Promise<boolean>;
  readonly controllers: Set<AbortController>;
}

/** Why a request was aborted, when its session or key ended. */
export const credentialEnded = Symbol('credential ended');
/** Why a request was aborted, when the server stops. */
export const serverStops = Symbol('server stops');

/**
 * Sockets, streams and requests under way, by the session or key they came with, so that its end is
 * theirs, at once. Expiry makes no sound, so every `sweepMs` each credential is looked at again.
 */
export interface LiveRequests extends Disposable {
  track(
    credential: { readonly id: string; isLive(): Promise<boolean> } | null,
    controller: AbortController,
  ): () => void;
  end(ids: readonly string[]): void;
  stopAll(): void;
}

const nobody = Symbol('nobody');

export function createLiveRequests({
  log,
  sweepMs = 30_000,
}: {
  readonly log: Log;
  readonly sweepMs?: number;
}): LiveRequests {
  const live = new Map<string | typeof nobody, Live>();

  const end = (ids: readonly string[]): void => {
    for (const id of ids) for (const controller of live.get(id)?.controllers ?? []) controller.abort(credentialEnded);
  };
  const sweep = async (): Promise<void> => {
    for (const [id, { isLive }] of [...live]) {
      if (typeof id === 'string' && !(await isLive())) end([id]);
    }
  };
  const timer = setInterval(() => {
    // What cannot be looked at stays open: the next request is refused anyhow, and the next sweep comes.
    sweep().catch((error: unknown) => log.warn({ err: error }, 'open connections could not be checked'));
  }, sweepMs);
  timer.unref();

  return {
    end,
    track(credential, controller) {
      const id = credential?.id ?? nobody;
      const entry = live.get(id) ?? { isLive: credential?.isLive ?? (async () => true), controllers: new Set() };
      live.set(id, entry);
      entry.controllers.add(controller);
      return () => {
        entry.controllers.delete(controller);
        if (entry.controllers.size === 0 && live.get(id) === entry) live.delete(id);
      };
    },
    stopAll() {
      for (const { controllers } of live.values()) for (const controller of controllers) controller.abort(serverStops);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
