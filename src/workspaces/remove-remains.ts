import type { WorkspaceRow } from '#database/workspaces/workspace-store.ts';
import { byServer } from '#sandboxes/sandbox-context.ts';
import type { WorkspaceContext } from '#workspaces/workspace-context.ts';

/**
 * Removes what a workspace has on disk, with its sandbox. A failure is logged and not thrown: the
 * next attempt begins with the same removal, and nobody can enter the workspace before.
 */
export async function removeRemains(
  context: WorkspaceContext,
  { id: workspaceId, teamId }: Pick<WorkspaceRow, 'id' | 'teamId'>,
  reason: string,
): Promise<void> {
  try {
    await context.sandboxes.stop({ teamId, workspaceId }, { reason, by: byServer(teamId) });
    await context.warden.call('disk.delete', { workspaceId, teamId });
  } catch (error) {
    context.log.error({ err: error, workspaceId }, 'the remains of a workspace could not be removed yet');
  }
}
