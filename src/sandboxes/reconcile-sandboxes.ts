import { listAllLiveSandboxes } from '#database/workspaces/sandbox-store.ts';
import { markRunning } from '#sandboxes/mark-running.ts';
import { markStopped } from '#sandboxes/mark-stopped.ts';
import { byServer, type SandboxContext } from '#sandboxes/sandbox-context.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';

/**
 * Makes rows and reality agree after a start of server or warden: what runs without a row is killed
 * (H5: nothing runs that is not on record), what has a row but does not run is marked stopped.
 */
export async function reconcileSandboxes(context: SandboxContext): Promise<void> {
  const { reply } = await context.warden.call('sandbox.list', {});
  // Asked after the list: a sandbox that was started in between has its row by now.
  const rows = await context.database.withJob('lifecycle', listAllLiveSandboxes);
  const real = new Map(reply.sandboxes.map((sandbox) => [sandbox.sandboxId, sandbox]));
  const wanted = new Set(rows.map((row) => row.id));

  for (const { sandboxId, teamId } of reply.sandboxes) {
    if (wanted.has(sandboxId) || context.starting.has(sandboxId)) continue;
    context.log.warn({ sandboxId }, 'a sandbox without a record is ended');
    await context.warden.call('sandbox.kill', { sandboxId, teamId });
  }
  for (const row of rows) {
    if (context.starting.has(row.id)) continue;
    const sandbox = real.get(row.id);
    const by = byServer(row.teamId);
    if (sandbox?.teamId !== row.teamId || sandbox.state === 'stopped') {
      await markStopped(context, row, { reason: 'it was gone after a restart', by });
    } else if (row.state === 'stopping') {
      await context.warden.call('sandbox.kill', { sandboxId: row.id, teamId: row.teamId });
      await markStopped(context, row, { reason: 'stopped', by });
    } else if (!context.running.has(row.id) && sandbox.state === 'running') {
      const { scope } = await systemGrant(context.access, row.teamId, 'workspace:run', 'sandbox reconcile');
      await markRunning(context, row, scope);
    }
  }
}
