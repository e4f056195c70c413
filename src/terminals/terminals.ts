import { assertGrant, auditContext, type Grant } from '#access/grant.ts';
import type { SandboxId, TeamId, TerminalId, WorkspaceId } from '#base/ids.ts';
import type { Terminal } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Page, PageQuery } from '#database/page.ts';
import {
  findAnyTerminal,
  findTerminal,
  listSandboxTerminals,
  listTerminals,
  type TerminalView,
} from '#database/workspaces/terminal-store.ts';
import { findWorkspace } from '#database/workspaces/workspace-store.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';
import type { WardenEvents } from '#sandboxes/warden-events.ts';
import { type AttachOptions, attachViewer } from '#terminals/attach-viewer.ts';
import { endTerminal } from '#terminals/end-terminal.ts';
import { openTerminal, type OpenTerminalRequest } from '#terminals/open-terminal.ts';
import { keyOf, reconcileTerminals } from '#terminals/reconcile-terminals.ts';
import type { TerminalContext } from '#terminals/terminal-context.ts';

/** Terminals of a team's workspaces. Every operation answers `not_found` for what is not the team's. */
export interface Terminals extends Disposable {
  /** Starts the sandbox too when it is stopped. */
  open(grant: Grant<'terminal:drive'>, workspaceId: WorkspaceId, request: OpenTerminalRequest): Promise<Terminal>;
  list(grant: Grant<'terminal:watch'>, workspaceId: WorkspaceId, query: PageQuery): Promise<Page<Terminal>>;
  get(grant: Grant<'terminal:watch'>, terminalId: TerminalId): Promise<Terminal>;
  /** Ends the program. Answers also when it has ended. */
  end(grant: Grant<'terminal:drive'>, terminalId: TerminalId): Promise<void>;
  /** Shows it to one viewer until that goes or all is shown; `driveGrant` lets it type. */
  attach(
    grant: Grant<'terminal:watch'>,
    driveGrant: Grant<'terminal:drive'> | null,
    terminalId: TerminalId,
    options: AttachOptions,
  ): Promise<void>;
}

export type TerminalsOptions = Omit<TerminalContext, 'viewed' | 'opening'> & { readonly wardenEvents: WardenEvents };

/** Between the end of a sandbox and the ends of its terminals, whose exits are better known from the warden. */
const exitsFollowMs = 2000;

export function createTerminals(options: TerminalsOptions): Terminals {
  const context: TerminalContext = { ...options, viewed: new Map(), opening: new Set() };
  const { access, audit, database, keeper, log, sandboxes, warden, wardenEvents } = options;

  const toView = (row: TerminalView): Terminal => {
    const viewed = context.viewed.get(row.id);
    return {
      id: row.id,
      workspaceId: row.workspaceId as WorkspaceId,
      title: row.title,
      state: row.state,
      exitCode: row.exitCode,
      signal: row.signal,
      viewers: viewed?.viewers.size ?? 0,
      size: viewed?.size ?? { columns: row.columns, rows: row.rows },
      createdAt: row.createdAt.toISOString(),
    };
  };
  const find = async (grant: Grant, terminalId: TerminalId): Promise<TerminalView> => {
    const row = await database.withTenant(grant.scope, (tx) => findTerminal(tx, terminalId));
    if (!row?.workspaceId) throw new CasemateError('not_found', 'There is no such terminal.');
    return row;
  };

  let reconciling: Promise<void> = Promise.resolve();
  const reconcile = (): Promise<void> => {
    const next = reconciling.then(() => reconcileTerminals(context));
    reconciling = next.catch(() => undefined);
    return next;
  };
  wardenEvents.listen({
    connected: reconcile,
    async event(event) {
      if (event.type !== 'terminal.exited') return;
      const row = await database.withJob('lifecycle', (tx) => findAnyTerminal(tx, event.terminalId));
      if (row) await endTerminal(context, keyOf(row), event.exit);
    },
  });
  const forget = keeper.onConnected(() => {
    reconcile().catch((error: unknown) => {
      const expected = error instanceof CasemateError && error.code === 'unavailable';
      log[expected ? 'debug' : 'error']({ err: error }, 'terminals were not compared with the keeper');
    });
  });

  const liveIn = async (of: {
    readonly sandboxId: SandboxId;
    readonly teamId: TeamId;
  }): Promise<readonly TerminalView[]> => {
    const { scope } = await systemGrant(access, of.teamId, 'terminal:watch', 'terminals of a sandbox');
    return database.withTenant(scope, (tx) => listSandboxTerminals(tx, of.sandboxId));
  };
  sandboxes.keepWhile(async (sandbox) => (await liveIn(sandbox)).length > 0);
  sandboxes.onStopped(async (sandbox) => {
    const endAll = async (): Promise<void> => {
      for (const row of await liveIn(sandbox)) {
        await endTerminal(context, keyOf(row), { exitCode: null, signal: 'SIGKILL' });
      }
    };
    setTimeout(() => {
      endAll().catch((error: unknown) => log.error({ err: error }, 'terminals of a stopped sandbox were not ended'));
    }, exitsFollowMs).unref();
  });

  return {
    async open(grant, workspaceId, request) {
      assertGrant(grant, 'terminal:drive');
      return toView(await openTerminal(context, grant, workspaceId, request));
    },
    async list(grant, workspaceId, query) {
      assertGrant(grant, 'terminal:watch');
      return database.withTenant(grant.scope, async (tx) => {
        if (!(await findWorkspace(tx, workspaceId))) {
          throw new CasemateError('not_found', 'There is no such workspace.');
        }
        const page = await listTerminals(tx, workspaceId, query);
        return { items: page.items.map(toView), cursor: page.cursor };
      });
    },
    async get(grant, terminalId) {
      assertGrant(grant, 'terminal:watch');
      return toView(await find(grant, terminalId));
    },
    async end(grant, terminalId) {
      assertGrant(grant, 'terminal:drive');
      const row = await find(grant, terminalId);
      if (row.state === 'ended') return;
      const { sandboxId, teamId } = row;
      // Who wanted it; that it ended, and how, follows from the warden.
      await audit.record({
        ...auditContext(grant),
        event: 'terminal.closed',
        outcome: 'success',
        fields: { terminalId },
      });
      try {
        await warden.call('terminal.kill', { terminalId, sandboxId, teamId });
      } catch (error) {
        if (!(error instanceof CasemateError && error.code === 'not_found')) throw error;
        await endTerminal(context, keyOf(row), { exitCode: null, signal: null });
      }
    },
    async attach(grant, driveGrant, terminalId, attachOptions) {
      assertGrant(grant, 'terminal:watch');
      if (driveGrant) assertGrant(driveGrant, 'terminal:drive');
      await attachViewer(context, grant, driveGrant !== null, terminalId, attachOptions);
    },
    [Symbol.dispose]: () => forget(),
  };
}
