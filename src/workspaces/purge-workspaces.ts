import { deleteWorkspace, findWorkspace, listPurgeableWorkspaces } from '#database/workspaces/workspace-store.ts';
import { byServer } from '#sandboxes/sandbox-context.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';
import type { WorkspaceContext } from '#workspaces/workspace-context.ts';

/** Removes the disks and rows of workspaces whose time to be restored is over. Recordings stay: they are evidence. */
export async function purgeWorkspaces(context: WorkspaceContext): Promise<void> {
  const now = new Date(context.clock.now());
  for (const { id, teamId } of await context.database.withJob('lifecycle', (tx) => listPurgeableWorkspaces(tx, now))) {
    try {
      const { scope } = await systemGrant(context.access, teamId, 'workspace:write', 'workspace purge');
      const row = await context.database.withTenant(scope, (tx) => findWorkspace(tx, id));
      if (row?.state !== 'deleted') continue;
      const by = byServer(teamId);
      await context.sandboxes.stop({ teamId, workspaceId: id }, { reason: 'the workspace is removed', by });
      await context.warden.call('disk.delete', { workspaceId: id, teamId });
      const fields = { workspaceId: id, name: row.name };
      await context.audit.record({ ...by, event: 'workspace.purged', outcome: 'success', fields });
      await context.database.withTenant(scope, (tx) => deleteWorkspace(tx, id));
    } catch (error) {
      context.log.error(
        { err: error, workspaceId: id },
        'a workspace could not be removed for good; tried again later',
      );
    }
  }
}
