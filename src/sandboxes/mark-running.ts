import { CasemateError } from '#contract/errors.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import { type SandboxRow, updateSandbox } from '#database/workspaces/sandbox-store.ts';
import type { RunningSandbox, SandboxContext } from '#sandboxes/sandbox-context.ts';

/** Writes down that a sandbox runs. `gone` when it was ended meanwhile. */
export async function markRunning(
  context: SandboxContext,
  row: SandboxRow,
  scope: TenantScope,
): Promise<RunningSandbox> {
  const startedAt = row.startedAt ?? new Date(context.clock.now());
  const updated = await context.database.withTenant(scope, (tx) =>
    updateSandbox(tx, row.id, { state: 'running', startedAt }),
  );
  if (!updated) throw new CasemateError('gone', 'The sandbox ended while it was starting. Try again.');
  const running: RunningSandbox = {
    sandboxId: row.id,
    teamId: row.teamId,
    workspaceId: row.workspaceId,
    tier: row.tier,
  };
  context.running.set(row.id, running);
  if (row.workspaceId) context.hints.publish(row.workspaceId, { type: 'workspace' });
  return running;
}
