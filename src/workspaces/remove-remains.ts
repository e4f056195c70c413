import type { WorkspaceRow } from '#database/workspaces/workspace-store.ts';
import { byServer } from '#sandboxes/sandbox-context.ts';
import type { WorkspaceContext } from '#workspaces/workspace-context.ts';

/**
 * Removes what a workspace has on disk, with its sandbox. A failure is logged and not thrown: it is
 * tried again when the warden is back and before the next clone, and nobody can enter meanwhile.
 */
export async function removeRemains(
  context: WorkspaceContext,
  { id: workspaceId, teamId }: Pick<WorkspaceRow, 'id' | 'teamId'>,
  reason: string,
): Promise<void> {
  try {
    await context.sandboxes.stop({ teamId, workspaceId }, { reason, by: byServer(teamId) });
    await context.warden.call('disk.delete', { workspaceId, teamId });
    context.remains.delete(workspaceId);
  } catch (error) {
    context.remains.set(workspaceId, teamId);
    context.log.error({ err: error, workspaceId }, 'the remains of a workspace could not be removed yet');
  }
}
