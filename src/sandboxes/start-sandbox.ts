import { auditContext, type Grant } from '#access/grant.ts';
import { mintId, type SandboxId, type WorkspaceId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Policy } from '#contract/policy.ts';
import { countLiveSandboxes, createSandbox, findWorkspaceSandbox } from '#database/workspaces/sandbox-store.ts';
import type { SandboxRow } from '#database/workspaces/sandbox-store.ts';
import { takeTeamTurn } from '#database/workspaces/team-lock.ts';
import { lockWorkspace, updateWorkspace, type WorkspaceRow } from '#database/workspaces/workspace-store.ts';
import { markRunning } from '#sandboxes/mark-running.ts';
import { markStopped } from '#sandboxes/mark-stopped.ts';
import type { RunningSandbox, SandboxContext } from '#sandboxes/sandbox-context.ts';
import { teamEnvironment } from '#sandboxes/team-environment.ts';

/** How old `lastUsedAt` may grow before a use is written. */
const usedEveryMs = 60_000;

/**
 * The workspace's running sandbox, started when there is none. Must run in the workspace's queue.
 * Errors: `not_found`, `conflict` (the state of the workspace does not allow it), `quota_exceeded`,
 * and those of warden and broker; then nothing runs and the trail says so.
 */
export async function startSandbox(
  context: SandboxContext,
  grant: Grant,
  workspaceId: WorkspaceId,
  states: readonly WorkspaceRow['state'][],
): Promise<RunningSandbox> {
  const { row, policy } = await prepare(context, grant, workspaceId, states);
  const known = context.running.get(row.id);
  if (known && row.state === 'running') return known;
  if (row.state === 'frozen') {
    throw new CasemateError(
      'conflict',
      'The sandbox is frozen by a lockdown. Nothing is lost; it goes on when thawed.',
    );
  }
  context.starting.add(row.id);
  try {
    context.hints.publish(workspaceId, { type: 'workspace' });
    // The policy stands before anything inside could use the door.
    await context.broker.call('policy.set', { sandboxId: row.id, teamId: row.teamId, workspaceId, policy });
    await context.warden.call('sandbox.create', {
      sandboxId: row.id,
      teamId: row.teamId,
      workspaceId,
      template: row.template,
      tier: row.tier,
      resources: context.resources,
      environment: await teamEnvironment(context.database, grant.scope),
    });
    await context.audit.record({
      ...auditContext(grant),
      event: 'sandbox.started',
      outcome: 'success',
      fields: { sandboxId: row.id, workspaceId, template: row.template, tier: row.tier },
    });
    return await markRunning(context, row, grant.scope);
  } catch (error) {
    await undoStart(context, grant, row, error);
    throw error;
  } finally {
    context.starting.delete(row.id);
  }
}

/** Checks the state and the team's limit, and makes the row under which the sandbox will run. */
async function prepare(
  context: SandboxContext,
  grant: Grant,
  workspaceId: WorkspaceId,
  states: readonly WorkspaceRow['state'][],
): Promise<{ row: SandboxRow; policy: Policy }> {
  const now = new Date(context.clock.now());
  return context.database.withTenant(grant.scope, async (tx) => {
    const workspace = await lockWorkspace(tx, workspaceId);
    if (!workspace || workspace.state === 'deleted')
      throw new CasemateError('not_found', 'There is no such workspace.');
    if (!states.includes(workspace.state)) throw new CasemateError('conflict', whyNot(workspace.state));
    if (now.getTime() - workspace.lastUsedAt.getTime() > usedEveryMs) {
      await updateWorkspace(tx, workspaceId, { lastUsedAt: now });
    }
    const existing = await findWorkspaceSandbox(tx, workspaceId);
    if (existing) return { row: existing, policy: workspace.policy };
    await takeTeamTurn(tx, 'sandboxes');
    if ((await countLiveSandboxes(tx)) >= context.sandboxesPerTeam) {
      throw new CasemateError(
        'quota_exceeded',
        `The team runs ${context.sandboxesPerTeam} sandboxes, which is its limit. Stop one first.`,
        { detail: { limit: context.sandboxesPerTeam } },
      );
    }
    const row = await createSandbox(tx, {
      id: mintId<SandboxId>(context.random),
      workspaceId,
      state: 'starting',
      tier: context.tier,
      template: context.template,
      createdAt: now,
    });
    if (!row) throw new CasemateError('conflict', 'The workspace has a sandbox already. Try again.');
    return { row, policy: workspace.policy };
  });
}

function whyNot(state: WorkspaceRow['state']): string {
  if (state === 'cloning' || state === 'creating') {
    return 'The repository is still being cloned. Wait until it is done, or cancel it.';
  }
  return 'The workspace could not be cloned, so there is nothing to work in. Try the clone again, or delete it.';
}

/** Leaves nothing running that is not on record as running. */
async function undoStart(context: SandboxContext, grant: Grant, row: SandboxRow, cause: unknown): Promise<void> {
  const { sandboxId, teamId } = { sandboxId: row.id, teamId: row.teamId };
  context.log.warn({ err: cause, sandboxId }, 'a sandbox could not be started');
  try {
    await context.warden.call('sandbox.kill', { sandboxId, teamId });
  } catch (error) {
    // A warden that is away kills what it should not have when the lists are compared.
    context.log.warn({ err: error, sandboxId }, 'a sandbox that did not start could not be removed yet');
  }
  await markStopped(context, row, { reason: 'could not be started', by: auditContext(grant), outcome: 'failed' });
}
