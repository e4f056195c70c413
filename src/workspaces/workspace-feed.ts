import type { WorkspaceId } from '#base/ids.ts';
import type { Workspace, WorkspaceEvent } from '#contract/api.ts';
import type { WorkspaceHints } from '#sandboxes/workspace-hints.ts';
import type { CloneProgress } from '#workspaces/git-progress.ts';

export interface FeedOptions {
  readonly hints: WorkspaceHints;
  readonly workspaceId: WorkspaceId;
  readonly signal: AbortSignal;
  /** The workspace as it is now. Rejects when it is gone. */
  readonly view: () => Promise<Workspace>;
  readonly progress: () => CloneProgress | undefined;
  /** Whether the reader may see what left. */
  readonly egress: boolean;
}

/** The workspace as it is, then everything that happens in it. Ends with `signal`, or when it is removed for good. */
export async function* followWorkspace(options: FeedOptions): AsyncGenerator<WorkspaceEvent> {
  const { hints, signal, view, workspaceId } = options;
  // Subscribed before the first look: what changes in between comes twice rather than never.
  const stream = hints.subscribe(workspaceId, signal);
  yield { type: 'workspace', workspace: await view() };
  const progress = options.progress();
  if (progress) yield progress;
  for await (const hint of stream) {
    switch (hint.type) {
      case 'workspace':
        yield { type: 'workspace', workspace: await view() };
        break;
      case 'terminals':
        // The workspace's own count of terminals changes with it.
        yield { type: 'workspace', workspace: await view() };
        yield { type: 'terminals' };
        break;
      case 'egress': {
        const { method: _method, ...event } = hint;
        if (options.egress) yield event;
        break;
      }
      case 'clone':
        yield hint;
        break;
      case 'files':
        yield { type: 'files' };
        break;
    }
  }
}
