import { CasemateError } from '#contract/errors.ts';
import { type SandboxRow, updateSandbox } from '#database/workspaces/sandbox-store.ts';
import type { By, SandboxContext } from '#sandboxes/sandbox-context.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';

export interface Ending {
  /** For people and the trail. */
  readonly reason: string;
  readonly by: By;
  readonly outcome?: 'success' | 'failed';
}

/** Writes down that a sandbox runs no longer, once; tells whoever depends on it, and closes its way out. */
export async function markStopped(
  context: SandboxContext,
  row: Pick<SandboxRow, 'id' | 'teamId' | 'workspaceId'>,
  { reason, by, outcome = 'success' }: Ending,
): Promise<void> {
  const { id: sandboxId, teamId, workspaceId } = row;
  context.running.delete(sandboxId);
  const { scope } = await systemGrant(context.access, teamId, 'workspace:run', 'sandbox stopped');
  const change = { state: 'stopped', endedAt: new Date(context.clock.now()), endReason: reason } as const;
  const updated = await context.database.withTenant(scope, (tx) => updateSandbox(tx, sandboxId, change));
  if (!updated) return;
  try {
    await context.broker.call('policy.drop', { sandboxId });
  } catch (error) {
    if (!(error instanceof CasemateError)) throw error;
    // The door went with the sandbox; a policy without a door lets nothing through.
    context.log.warn({ err: error, sandboxId }, 'the broker still has the policy of a sandbox that is gone');
  }
  for (const listener of context.stopListeners) await listener({ sandboxId, teamId, workspaceId });
  if (workspaceId) context.hints.publish(workspaceId, { type: 'workspace' });
  await context.audit.record({ ...by, event: 'sandbox.stopped', outcome, fields: { sandboxId, workspaceId, reason } });
}
