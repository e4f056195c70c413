import type { WorkspaceId } from '#base/ids.ts';
import type { Workspace } from '#contract/api.ts';
import type { TenantTransaction } from '#database/transaction.ts';
import { listWorkspaceSandboxes, type SandboxRow } from '#database/workspaces/sandbox-store.ts';
import { countLiveTerminals } from '#database/workspaces/terminal-store.ts';
import type { WorkspaceRow } from '#database/workspaces/workspace-store.ts';

/** Workspaces as the API shows them, with their sandboxes and counts of terminals, in two further queries. */
export async function viewWorkspaces(tx: TenantTransaction, rows: readonly WorkspaceRow[]): Promise<Workspace[]> {
  if (rows.length === 0) return [];
  const ids: WorkspaceId[] = rows.map((row) => row.id);
  const sandboxes = new Map((await listWorkspaceSandboxes(tx, ids)).map((row) => [row.workspaceId, row]));
  const terminals = await countLiveTerminals(tx, ids);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    state: row.state,
    failure: row.failure,
    git: row.gitUrl === null ? null : { url: row.gitUrl, branch: row.gitBranch },
    policy: row.policy,
    policyPreset: row.policyPreset,
    sandbox: viewSandbox(sandboxes.get(row.id)),
    terminals: terminals.get(row.id) ?? 0,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
    purgeAt: row.purgeAt?.toISOString() ?? null,
  }));
}

function viewSandbox(row: SandboxRow | undefined): Workspace['sandbox'] {
  if (!row || row.state === 'stopped') return null;
  return { id: row.id, state: row.state, tier: row.tier, startedAt: (row.startedAt ?? row.createdAt).toISOString() };
}
