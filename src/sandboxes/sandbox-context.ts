import type { Access } from '#access/authorise.ts';
import { auditContext } from '#access/grant.ts';
import type { Audit } from '#audit/audit.ts';
import type { Clock } from '#base/clock.ts';
import type { SandboxId, TeamId, WorkspaceId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import type { Resources, Tier } from '#contract/warden.ts';
import type { Database } from '#database/database.ts';
import type { Broker, BrokerSync } from '#sandboxes/broker-sync.ts';
import type { KeyedQueue } from '#sandboxes/keyed-queue.ts';
import type { Warden } from '#sandboxes/warden-events.ts';
import type { WorkspaceHints } from '#sandboxes/workspace-hints.ts';

/** Who did it, for the trail. */
export type By = ReturnType<typeof auditContext>;

/** The server itself did it, in a team. */
export const byServer = (teamId: TeamId): By => ({
  chain: teamId,
  actor: { kind: 'system', process: 'server' },
  requestId: null,
  address: null,
});

/** A sandbox that runs. */
export interface RunningSandbox {
  readonly sandboxId: SandboxId;
  readonly teamId: TeamId;
  readonly workspaceId: WorkspaceId | null;
  readonly tier: Tier;
}

export type StopListener = (sandbox: Pick<RunningSandbox, 'sandboxId' | 'teamId' | 'workspaceId'>) => Promise<void>;

/** What the operations on sandboxes share. */
export interface SandboxContext {
  readonly database: Database;
  readonly access: Pick<Access, 'authorise'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly warden: Warden;
  readonly broker: Broker;
  readonly sync: BrokerSync;
  readonly hints: WorkspaceHints;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: (bytes: Uint8Array) => Uint8Array;
  readonly template: string;
  readonly tier: Tier;
  readonly resources: Resources;
  readonly sandboxesPerTeam: number;
  /** Orders starts and stops of one workspace. */
  readonly queue: KeyedQueue<WorkspaceId>;
  /** What this process knows to run, so that a stop needs no database. */
  readonly running: Map<SandboxId, RunningSandbox>;
  /** Being started by this process: neither missing nor superfluous when lists are compared. */
  readonly starting: Set<SandboxId>;
  readonly stopListeners: StopListener[];
}
