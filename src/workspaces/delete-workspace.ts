import { auditContext, type Grant } from '#access/grant.ts';
import type { WorkspaceId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import { lockWorkspace, updateWorkspace, type WorkspaceRow } from '#database/workspaces/workspace-store.ts';
import { requireRoom } from '#workspaces/create-workspace.ts';
import { noWorkspace, type WorkspaceContext } from '#workspaces/workspace-context.ts';

/** Stops what runs in a workspace and hides it; for `undoMs` it can be restored with all its files. */
export async function deleteWorkspaceForNow(
  context: WorkspaceContext,
  grant: Grant<'workspace:write'>,
  workspaceId: WorkspaceId,
): Promise<void> {
  const deletedAt = new Date(context.clock.now());
  const purgeAt = new Date(deletedAt.getTime() + context.undoMs);
  // First the state, so that nothing starts again between the stop and the end.
  const row = await context.database.withTenant(grant.scope, async (tx) => {
    const found = await lockWorkspace(tx, workspaceId);
    if (!found || found.state === 'deleted') throw noWorkspace();
    // A clone that has not ended leaves no files: restored, the workspace must not pass for whole.
    const unfinished = found.state === 'cloning' || found.state === 'creating';
    const failure = unfinished ? 'The workspace was deleted while it was being cloned. Nothing was kept.' : null;
    await updateWorkspace(tx, workspaceId, { state: 'deleted', deletedAt, purgeAt, ...(failure ? { failure } : {}) });
    return found;
  });
  const by = auditContext(grant);
  await context.sandboxes.stop({ teamId: grant.teamId, workspaceId }, { reason: 'the workspace was deleted', by });
  const fields = { workspaceId, name: row.name };
  await context.audit.record({ ...by, event: 'workspace.deleted', outcome: 'success', fields });
  context.hints.publish(workspaceId, { type: 'workspace' });
}

/** Takes a deleted workspace back, as it was. `conflict` when it is not deleted. */
export async function restoreWorkspace(
  context: WorkspaceContext,
  grant: Grant<'workspace:write'>,
  workspaceId: WorkspaceId,
): Promise<WorkspaceRow> {
  const row = await context.database.withTenant(grant.scope, async (tx) => {
    const found = await lockWorkspace(tx, workspaceId);
    if (!found) throw noWorkspace();
    if (found.state !== 'deleted') throw new CasemateError('conflict', 'The workspace is not deleted.');
    // Its disk may be on the way out already.
    if (found.purgeAt && found.purgeAt.getTime() <= context.clock.now()) throw noWorkspace();
    await requireRoom(tx, context);
    const state = found.failure === null ? 'ready' : 'failed';
    return updateWorkspace(tx, workspaceId, { state, deletedAt: null, purgeAt: null });
  });
  if (!row) throw noWorkspace();
  const fields = { workspaceId, name: row.name };
  await context.audit.record({ ...auditContext(grant), event: 'workspace.restored', outcome: 'success', fields });
  context.hints.publish(workspaceId, { type: 'workspace' });
  return row;
}
