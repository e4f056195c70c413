import { findWorkspace, listUnfinishedWorkspaces, updateWorkspace } from '#database/workspaces/workspace-store.ts';
import { byServer } from '#sandboxes/sandbox-context.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';
import type { Clones } from '#workspaces/clones.ts';
import { removeRemains } from '#workspaces/remove-remains.ts';
import type { WorkspaceContext } from '#workspaces/workspace-context.ts';

const reason = 'The server was restarted in the middle of the clone. Nothing was kept; try again.';

/** Ends the clones that an earlier server had under way: their git died with it. */
export async function endUnfinished(context: WorkspaceContext, clones: Clones): Promise<void> {
  for (const { id, teamId } of await context.database.withJob('lifecycle', listUnfinishedWorkspaces)) {
    if (clones.has(id)) continue;
    const { scope } = await systemGrant(context.access, teamId, 'workspace:write', 'unfinished clone');
    const row = await context.database.withTenant(scope, (tx) => findWorkspace(tx, id));
    if (!row || (row.state !== 'cloning' && row.state !== 'creating') || clones.has(id)) continue;
    await removeRemains(context, row, 'the clone ended with the server');
    const change = { state: 'failed', failure: reason } as const;
    await context.database.withTenant(scope, (tx) => updateWorkspace(tx, id, change));
    await context.audit.record({
      ...byServer(teamId),
      event: 'workspace.clone-failed',
      outcome: 'failed',
      fields: { workspaceId: id, source: row.gitUrl ?? '', reason },
    });
    context.hints.publish(id, { type: 'workspace' });
  }
}
