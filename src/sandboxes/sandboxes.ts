import type { Access } from '#access/authorise.ts';
import { assertGrant, type Grant } from '#access/grant.ts';
import type { Audit } from '#audit/audit.ts';
import type { Clock } from '#base/clock.ts';
import type { SandboxId, TeamId, WorkspaceId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Permission } from '#contract/permissions.ts';
import type { Resources, Tier } from '#contract/warden.ts';
import type { Database } from '#database/database.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import { findAnySandbox, listAllLiveSandboxes } from '#database/workspaces/sandbox-store.ts';
import { findWorkspace } from '#database/workspaces/workspace-store.ts';
import { type Broker, type BrokerSync, createBrokerSync, type SandboxPolicy } from '#sandboxes/broker-sync.ts';
import { createKeyedQueue } from '#sandboxes/keyed-queue.ts';
import { type Ending, markStopped } from '#sandboxes/mark-stopped.ts';
import { reconcileSandboxes } from '#sandboxes/reconcile-sandboxes.ts';
import { byServer, type RunningSandbox, type SandboxContext, type StopListener } from '#sandboxes/sandbox-context.ts';
import { startSandbox } from '#sandboxes/start-sandbox.ts';
import { createIdleWatch } from '#sandboxes/stop-idle.ts';
import { stopSandbox } from '#sandboxes/stop-sandbox.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';
import { teamEnvironment } from '#sandboxes/team-environment.ts';
import type { Warden, WardenEvents } from '#sandboxes/warden-events.ts';
import type { WorkspaceHints } from '#sandboxes/workspace-hints.ts';

/** What may bring a workspace's sandbox up: a terminal, its files, git, a clone, or the button. */
const startingPermissions = ['workspace:run', 'workspace:read', 'workspace:write', 'terminal:drive'] as const;
export type StartingPermission = (typeof startingPermissions)[number] & Permission;

export interface Sandboxes extends Disposable {
  /**
   * The workspace's sandbox, started when it does not run; calls at the same time share one start.
   * `cloning`: for the clone itself, before the workspace is ready.
   */
  ensure(
    grant: Grant<StartingPermission>,
    workspaceId: WorkspaceId,
    purpose?: 'work' | 'cloning',
  ): Promise<RunningSandbox>;
  /** Ends it, whoever uses it. Answers also when none runs. */
  stop(of: { readonly teamId: TeamId; readonly workspaceId: WorkspaceId }, ending: Ending): Promise<void>;
  /** For programs started in it: the same as at its start, with the git secrets of now. */
  environment(scope: TenantScope): Promise<Record<string, string>>;
  /** Somebody used it now. */
  touch(sandboxId: SandboxId): void;
  /** `check` keeps a sandbox from being idle. */
  keepWhile(check: (sandbox: RunningSandbox) => Promise<boolean>): void;
  onStopped(listener: StopListener): void;
  readonly sync: BrokerSync;
}

export interface SandboxesOptions {
  readonly database: Database;
  readonly access: Pick<Access, 'authorise'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly warden: Warden;
  readonly wardenEvents: WardenEvents;
  readonly broker: Broker;
  readonly hints: WorkspaceHints;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: (bytes: Uint8Array) => Uint8Array;
  readonly template: string;
  readonly tier: Tier;
  readonly resources: Resources;
  readonly idleStopMinutes: number;
  /** Sandboxes of one team at once. */
  readonly sandboxesPerTeam: number;
}

const lookForIdleEveryMs = 15_000;

export function createSandboxes(options: SandboxesOptions): Sandboxes {
  const { access, broker, database, idleStopMinutes, log, wardenEvents } = options;

  const policies = async (): Promise<readonly SandboxPolicy[]> => {
    const found: SandboxPolicy[] = [];
    for (const { id, teamId, workspaceId } of await database.withJob('lifecycle', listAllLiveSandboxes)) {
      if (!workspaceId) continue;
      const { scope } = await systemGrant(access, teamId, 'policy:read', 'broker sync');
      const workspace = await database.withTenant(scope, (tx) => findWorkspace(tx, workspaceId));
      if (workspace) found.push({ sandboxId: id, teamId, workspaceId, policy: workspace.policy });
    }
    return found;
  };
  const sync = createBrokerSync({ broker, database, policies, log });
  const context: SandboxContext = {
    ...options,
    sync,
    queue: createKeyedQueue(),
    running: new Map(),
    starting: new Set(),
    stopListeners: [],
  };
  const checks: ((sandbox: RunningSandbox) => Promise<boolean>)[] = [];

  const stop: Sandboxes['stop'] = (of, ending) =>
    context.queue.run(of.workspaceId, () => stopSandbox(context, of, ending));
  const idle = createIdleWatch({
    context,
    idleMs: idleStopMinutes * 60_000,
    needed: async (sandbox) => {
      for (const check of checks) if (await check(sandbox)) return true;
      return false;
    },
    stop: async ({ teamId, workspaceId }) => {
      if (workspaceId) await stop({ teamId, workspaceId }, { reason: 'idle', by: byServer(teamId) });
    },
  });
  const timer = setInterval(() => void idle.look(), lookForIdleEveryMs);
  timer.unref();

  wardenEvents.listen({
    connected: () => reconcileSandboxes(context),
    async event(event) {
      if (event.type !== 'sandbox.stopped') return;
      const row = await database.withJob('lifecycle', (tx) => findAnySandbox(tx, event.sandboxId));
      if (!row) return;
      const ending: Ending = { reason: event.reason.slice(0, 200), by: byServer(row.teamId) };
      // In the queue, so that a stop that somebody asked for is on record with its own reason; not
      // awaited, so that one workspace's start does not hold up the ends of others.
      const marked = row.workspaceId
        ? context.queue.run(row.workspaceId, () => markStopped(context, row, ending))
        : markStopped(context, row, ending);
      marked.catch((error: unknown) => log.error({ err: error, sandboxId: row.id }, 'an end was not written down'));
    },
  });
  const forget = broker.onConnected(() => {
    sync.all().catch((error: unknown) => {
      const expected = error instanceof CasemateError && error.code === 'unavailable';
      log[expected ? 'warn' : 'error']({ err: error }, 'the broker did not get everything; it will when it is back');
    });
  });

  return {
    sync,
    stop,
    touch: (sandboxId) => idle.touch(sandboxId),
    environment: (scope) => teamEnvironment(database, scope),
    async ensure(grant, workspaceId, purpose = 'work') {
      if (!startingPermissions.includes(grant.permission)) throw new TypeError('the grant starts no sandbox');
      assertGrant(grant, grant.permission);
      const states = purpose === 'work' ? (['ready'] as const) : (['creating', 'cloning'] as const);
      const sandbox = await context.queue.run(workspaceId, () => startSandbox(context, grant, workspaceId, states));
      idle.touch(sandbox.sandboxId);
      return sandbox;
    },
    keepWhile: (check) => void checks.push(check),
    onStopped: (listener) => void context.stopListeners.push(listener),
    [Symbol.dispose]() {
      clearInterval(timer);
      forget();
    },
  };
}
