import type { WorkspaceId } from '#base/ids.ts';
import type { Egress, WorkspaceEvent } from '#contract/api.ts';

type CloneEvent = Extract<WorkspaceEvent, { type: 'clone' }>;

/** That something about a workspace changed. Those without data say only "look again". */
export type WorkspaceHint =
  | { readonly type: 'workspace' | 'terminals' | 'files' }
  | CloneEvent
  | ({ readonly type: 'egress' } & Egress);

/** Where rooms tell of what happens in a workspace, for whoever looks at it. Nothing is kept or waited for. */
export interface WorkspaceHints {
  publish(workspaceId: WorkspaceId, hint: WorkspaceHint): void;
  /** The same, but at most one of a kind each `everyMs`: the first at once, later ones joined into one. */
  publishAtMost(workspaceId: WorkspaceId, type: 'workspace' | 'terminals' | 'files', everyMs: number): void;
  /** Hints from now on, until `signal` aborts. A reader that falls behind gets "look again" once, not late news. */
  subscribe(workspaceId: WorkspaceId, signal: AbortSignal): AsyncIterable<WorkspaceHint>;
}

/** Hints that wait for one slow reader at most; the oldest are dropped. */
const queueLimit = 200;

export function createWorkspaceHints(): WorkspaceHints {
  const subscribers = new Map<WorkspaceId, Set<(hint: WorkspaceHint) => void>>();
  const throttled = new Map<string, { again: boolean }>();

  const publish: WorkspaceHints['publish'] = (workspaceId, hint) => {
    for (const receive of subscribers.get(workspaceId) ?? []) receive(hint);
  };

  return {
    publish,
    publishAtMost(workspaceId, type, everyMs) {
      if (!subscribers.has(workspaceId)) return;
      const key = `${workspaceId} ${type}`;
      const running = throttled.get(key);
      if (running) {
        running.again = true;
        return;
      }
      const state = { again: false };
      throttled.set(key, state);
      publish(workspaceId, { type });
      const timer = setInterval(() => {
        if (!state.again) {
          clearInterval(timer);
          throttled.delete(key);
          return;
        }
        state.again = false;
        publish(workspaceId, { type });
      }, everyMs);
      timer.unref();
    },
    subscribe(workspaceId, signal) {
      // Subscribed at once, not at the first read: what happens in between must not be missed.
      const queue: WorkspaceHint[] = [];
      let wake: (() => void) | undefined;
      const receive = (hint: WorkspaceHint): void => {
        const lookAgain = Object.keys(hint).length === 1;
        if (lookAgain && queue.some((waiting) => waiting.type === hint.type)) return;
        queue.push(hint);
        if (queue.length > queueLimit) queue.shift();
        wake?.();
      };
      const set = subscribers.get(workspaceId) ?? new Set();
      subscribers.set(workspaceId, set.add(receive));
      const leave = (): void => {
        set.delete(receive);
        if (set.size === 0 && subscribers.get(workspaceId) === set) subscribers.delete(workspaceId);
        wake?.();
      };
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      return (async function* () {
        try {
          while (!signal.aborted) {
            const hint = queue.shift();
            if (hint) yield hint;
            else {
              await new Promise<void>((resolve) => {
                wake = resolve;
                if (signal.aborted) resolve();
              });
              wake = undefined;
            }
          }
        } finally {
          signal.removeEventListener('abort', leave);
          leave();
        }
      })();
    },
  };
}
