import type { TeamId, WorkspaceId } from '#base/ids.ts';
import { findWorkspaceSandbox, updateSandbox } from '#database/workspaces/sandbox-store.ts';
import { type Ending, markStopped } from '#sandboxes/mark-stopped.ts';
import type { SandboxContext } from '#sandboxes/sandbox-context.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';

/**
 * Ends a workspace's sandbox; its files stay. Answers also when there is none. Must run in the
 * workspace's queue. What this process knows to run is killed before the database is asked: a stop
 * does not wait for PostgreSQL.
 */
export async function stopSandbox(
  context: SandboxContext,
  { teamId, workspaceId }: { readonly teamId: TeamId; readonly workspaceId: WorkspaceId },
  ending: Ending,
): Promise<void> {
  const known = [...context.running.values()].find(
    (sandbox) => sandbox.workspaceId === workspaceId && sandbox.teamId === teamId,
  );
  if (known) await context.warden.call('sandbox.kill', { sandboxId: known.sandboxId, teamId });
  const { scope } = await systemGrant(context.access, teamId, 'workspace:run', 'sandbox stop');
  const row = await context.database.withTenant(scope, async (tx) => {
    const found = await findWorkspaceSandbox(tx, workspaceId);
    return found && updateSandbox(tx, found.id, { state: 'stopping' });
  });
  if (!row) return;
  if (row.id !== known?.sandboxId) {
    context.hints.publish(workspaceId, { type: 'workspace' });
    await context.warden.call('sandbox.kill', { sandboxId: row.id, teamId });
  }
  await markStopped(context, row, ending);
}
