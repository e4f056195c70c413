import type { Grant } from '#access/grant.ts';
import type { WorkspaceId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import type { WorkspaceRow } from '#database/workspaces/workspace-store.ts';
import { cloneRepository } from '#workspaces/clone-repository.ts';
import type { CloneProgress } from '#workspaces/git-progress.ts';
import type { WorkspaceContext } from '#workspaces/workspace-context.ts';

/** The clones that this process has under way. */
export interface Clones {
  start(grant: Grant<'workspace:write'>, workspace: WorkspaceRow): void;
  has(workspaceId: WorkspaceId): boolean;
  /** What was last heard, for whoever begins to look in the middle. */
  progress(workspaceId: WorkspaceId): CloneProgress | undefined;
  /** Ends it and waits until nothing is left of it; `why` becomes the workspace's reason. False when there was none. */
  cancel(workspaceId: WorkspaceId, why: string): Promise<boolean>;
}

interface Clone {
  readonly abort: AbortController;
  readonly done: Promise<void>;
  progress: CloneProgress | undefined;
}

export function createClones(context: WorkspaceContext): Clones {
  const running = new Map<WorkspaceId, Clone>();
  return {
    start(grant, workspace) {
      const abort = new AbortController();
      const onProgress = (progress: CloneProgress): void => {
        const clone = running.get(workspace.id);
        if (clone) clone.progress = progress;
        context.hints.publish(workspace.id, progress);
      };
      const done = Promise.resolve()
        .then(() => cloneRepository(context, grant, workspace, abort.signal, onProgress))
        .catch((error: unknown) => {
          // The state stays `cloning`; the next start of the server ends it.
          context.log.error({ err: error, workspaceId: workspace.id }, 'the end of a clone could not be written down');
        })
        .finally(() => running.delete(workspace.id));
      running.set(workspace.id, { abort, done, progress: undefined });
    },
    has: (workspaceId) => running.has(workspaceId),
    progress: (workspaceId) => running.get(workspaceId)?.progress,
    async cancel(workspaceId, why) {
      const clone = running.get(workspaceId);
      if (!clone) return false;
      clone.abort.abort(new CasemateError('cancelled', why));
      await clone.done;
      return true;
    },
  };
}
