import { assertGrant, auditContext, type Grant } from '#access/grant.ts';
import type { Audit } from '#audit/audit.ts';
import { canonicalJson } from '#base/canonical.ts';
import type { WorkspaceId } from '#base/ids.ts';
import type { Egress } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import { type Destination, type Policy, policyPresets } from '#contract/policy.ts';
import type { Database } from '#database/database.ts';
import type { Page, PageQuery } from '#database/page.ts';
import { type EgressRow, listEgressEvents } from '#database/trail/egress-store.ts';
import { findWorkspaceSandbox } from '#database/workspaces/sandbox-store.ts';
import {
  findWorkspace,
  lockWorkspace,
  updateWorkspace,
  type WorkspaceRow,
} from '#database/workspaces/workspace-store.ts';
import type { BrokerSync } from '#sandboxes/broker-sync.ts';
import { createKeyedQueue } from '#sandboxes/keyed-queue.ts';
import type { WorkspaceHints } from '#sandboxes/workspace-hints.ts';

export interface Policies {
  get(grant: Grant<'policy:read'>, workspaceId: WorkspaceId): Promise<Policy>;
  /** In force for new connections when it returns. */
  put(grant: Grant<'policy:write'>, workspaceId: WorkspaceId, policy: Policy): Promise<Policy>;
  /** Adds one destination; takes it from `deny` when it stands there. */
  allow(grant: Grant<'policy:write'>, workspaceId: WorkspaceId, destination: Destination): Promise<Policy>;
  /** What left and what was refused, newest first. */
  egress(grant: Grant<'policy:read'>, workspaceId: WorkspaceId, query: PageQuery): Promise<Page<Egress>>;
  /** For the ingester of the broker's journal: tells those who look at the workspace. */
  egressAdded(rows: readonly EgressRow[]): void;
}

export interface PoliciesOptions {
  readonly database: Database;
  readonly audit: Pick<Audit, 'record'>;
  readonly sync: BrokerSync;
  readonly hints: WorkspaceHints;
}

/** The name of the preset that a policy equals, or `custom`. */
export function presetOf(policy: Policy): WorkspaceRow['policyPreset'] {
  const sorted = (of: Policy): string => canonicalJson({ ...of, sets: [...of.sets].sort() });
  const text = sorted(policy);
  if (text === sorted(policyPresets.coding)) return 'coding';
  return text === sorted(policyPresets.closed) ? 'closed' : 'custom';
}

const toView = (row: EgressRow): Egress => ({
  id: row.id,
  time: row.time.toISOString(),
  allowed: row.allowed,
  method: row.method,
  host: row.host,
  port: row.port,
  reason: row.reason,
  credential: row.credential,
});

const describeDestination = ({ host, ports }: Destination): string => `${host}:${ports.join(',')}`;

/** The policy as one line for the trail. */
export function describePolicy({ sets, allow, deny }: Policy): string {
  const parts = [`sets ${sets.join(', ') || 'none'}`];
  if (allow.length > 0) parts.push(`allow ${allow.map(describeDestination).join(' ')}`);
  if (deny.length > 0) parts.push(`deny ${deny.map(describeDestination).join(' ')}`);
  return parts.join('; ').slice(0, 1000);
}

/** The policy with one more destination. `quota_exceeded` when it is full. */
export function withDestination(policy: Policy, destination: Destination): Policy {
  const key = canonicalJson(destination);
  const others = (list: readonly Destination[]): Destination[] => list.filter((each) => canonicalJson(each) !== key);
  const allow = [...others(policy.allow), destination];
  if (allow.length > 200) throw new CasemateError('quota_exceeded', 'A policy holds at most 200 destinations.');
  return { ...policy, allow, deny: others(policy.deny) };
}

export function createPolicies({ database, audit, sync, hints }: PoliciesOptions): Policies {
  const queue = createKeyedQueue<WorkspaceId>();
  const noWorkspace = (): CasemateError => new CasemateError('not_found', 'There is no such workspace.');

  /** One change at a time, so that the broker's last word is the database's. */
  const change = (
    grant: Grant<'policy:write'>,
    workspaceId: WorkspaceId,
    describe: string,
    next: (policy: Policy) => Policy,
  ): Promise<Policy> =>
    queue.run(workspaceId, async () => {
      const { policy, sandbox } = await database.withTenant(grant.scope, async (tx) => {
        const workspace = await lockWorkspace(tx, workspaceId);
        if (!workspace || workspace.state === 'deleted') throw noWorkspace();
        const changed = next(workspace.policy);
        await updateWorkspace(tx, workspaceId, { policy: changed, policyPreset: presetOf(changed) });
        return { policy: changed, sandbox: await findWorkspaceSandbox(tx, workspaceId) };
      });
      if (sandbox) await sync.policy({ sandboxId: sandbox.id, teamId: grant.teamId, workspaceId, policy });
      await audit.record({
        ...auditContext(grant),
        event: 'policy.changed',
        outcome: 'success',
        fields: { workspaceId, change: describe },
      });
      hints.publish(workspaceId, { type: 'workspace' });
      return policy;
    });

  return {
    async get(grant, workspaceId) {
      assertGrant(grant, 'policy:read');
      const workspace = await database.withTenant(grant.scope, (tx) => findWorkspace(tx, workspaceId));
      if (!workspace || workspace.state === 'deleted') throw noWorkspace();
      return workspace.policy;
    },
    async put(grant, workspaceId, policy) {
      assertGrant(grant, 'policy:write');
      return change(grant, workspaceId, describePolicy(policy), () => policy);
    },
    async allow(grant, workspaceId, destination) {
      assertGrant(grant, 'policy:write');
      const describe = `allow ${describeDestination(destination)}`;
      return change(grant, workspaceId, describe, (policy) => withDestination(policy, destination));
    },
    async egress(grant, workspaceId, query) {
      assertGrant(grant, 'policy:read');
      return database.withTenant(grant.scope, async (tx) => {
        if (!(await findWorkspace(tx, workspaceId))) throw noWorkspace();
        const page = await listEgressEvents(tx, workspaceId, query);
        return { items: page.items.map(toView), cursor: page.cursor };
      });
    },
    egressAdded(rows) {
      for (const row of rows) {
        if (row.workspaceId) hints.publish(row.workspaceId, { type: 'egress', ...toView(row) });
      }
    },
  };
}
