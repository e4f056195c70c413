import { auditContext, type Grant } from '#access/grant.ts';
import { mintId, type WorkspaceId } from '#base/ids.ts';
import type { createWorkspaceSchema } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import { type GitUrl, parseGitBranch, parseGitUrl } from '#contract/git-url.ts';
import { decidePolicy, type Policy, policyPresets } from '#contract/policy.ts';
import { takeTeamTurn } from '#database/workspaces/team-lock.ts';
import { countWorkspaces, createWorkspace, type WorkspaceRow } from '#database/workspaces/workspace-store.ts';
import type { TenantTransaction } from '#database/transaction.ts';
import { presetOf, withDestination } from '#sandboxes/policies.ts';
import { personOf, type WorkspaceContext } from '#workspaces/workspace-context.ts';
import type { z } from 'zod';

export type NewWorkspaceRequest = z.output<typeof createWorkspaceSchema>;

/**
 * Makes the row of a workspace; starts nothing. `policyGrant` shows that the creator may change
 * policies: then the Coding policy takes in the git host that they named. Errors: `invalid_git_url`,
 * `forbidden` (the policy does not let the host through), `quota_exceeded`.
 */
export async function createWorkspaceRow(
  context: WorkspaceContext,
  grant: Grant<'workspace:write'>,
  request: NewWorkspaceRequest,
  policyGrant: Grant<'policy:write'> | null,
): Promise<WorkspaceRow> {
  const createdBy = personOf(grant);
  const git = request.git ? parseGitUrl(request.git.url) : null;
  const branch = request.git?.branch === undefined ? null : parseGitBranch(request.git.branch);
  const chosen: Policy = typeof request.policy === 'string' ? policyPresets[request.policy] : request.policy;
  const allowed = git ? allowGitHost(context, git, request.policy, chosen, policyGrant !== null) : chosen;
  const now = new Date(context.clock.now());
  const row = await context.database.withTenant(grant.scope, async (tx) => {
    await requireRoom(tx, context);
    return createWorkspace(tx, {
      id: mintId<WorkspaceId>(context.random),
      name: request.name,
      description: request.description,
      state: git ? 'cloning' : 'ready',
      gitUrl: git?.url ?? null,
      gitBranch: branch,
      policy: allowed,
      policyPreset: presetOf(allowed),
      createdBy,
      createdAt: now,
      lastUsedAt: now,
    });
  });
  if (!row) throw new CasemateError('internal');
  const by = auditContext(grant);
  await context.audit.record({
    ...by,
    event: 'workspace.created',
    outcome: 'success',
    fields: { workspaceId: row.id, name: row.name, source: git?.url ?? 'empty', policy: presetOf(chosen) },
  });
  if (git && allowed !== chosen) {
    await context.audit.record({
      ...by,
      event: 'policy.changed',
      outcome: 'success',
      fields: { workspaceId: row.id, change: `allow ${git.host}:${git.port}` },
    });
  }
  return row;
}

/** Takes the team's turn and counts: `quota_exceeded` when it has as many workspaces as it may. */
export async function requireRoom(tx: TenantTransaction, context: WorkspaceContext): Promise<void> {
  await takeTeamTurn(tx, 'workspaces');
  if ((await countWorkspaces(tx)) < context.workspacesPerTeam) return;
  throw new CasemateError(
    'quota_exceeded',
    `The team has ${context.workspacesPerTeam} workspaces, which is its limit. Delete one first.`,
    { detail: { limit: context.workspacesPerTeam } },
  );
}

/**
 * The policy under which the clone can run. Only the Coding preset grows by itself, and only by the
 * exact host and port: who wrote a policy down, or chose Closed, meant it.
 */
function allowGitHost(
  context: WorkspaceContext,
  git: GitUrl,
  given: NewWorkspaceRequest['policy'],
  policy: Policy,
  mayChange: boolean,
): Policy {
  if (decidePolicy(policy, context.sets, git.host, git.port).allowed) return policy;
  if (given === 'coding' && mayChange) return withDestination(policy, { host: git.host, ports: [git.port] });
  const place = `${git.host}:${git.port}`;
  if (given === 'closed') {
    throw new CasemateError(
      'forbidden',
      `The policy Closed lets nothing leave, so ${place} cannot be cloned from. Choose Coding, or a policy that allows it.`,
    );
  }
  throw new CasemateError(
    'forbidden',
    `The policy does not let ${place} through, so it cannot be cloned from. ` +
      (mayChange ? 'Add it to the policy first.' : 'Ask somebody who may change policies to allow it.'),
  );
}
