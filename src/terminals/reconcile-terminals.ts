import {
  findAnyTerminal,
  listAllLiveTerminals,
  type TerminalView,
  updateTerminal,
} from '#database/workspaces/terminal-store.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';
import { endTerminal, sealExit } from '#terminals/end-terminal.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';

const unknownExit = { exitCode: null, signal: null } as const;

export const keyOf = (row: TerminalView): TerminalKey => ({
  terminalId: row.id,
  teamId: row.teamId,
  workspaceId: row.workspaceId,
  sandboxId: row.sandboxId,
});

/**
 * Makes rows agree with what warden and keeper have, after a restart of any of the three. A terminal
 * lives while the warden runs its program and the keeper holds its PTY.
 */
export async function reconcileTerminals(context: TerminalContext): Promise<void> {
  const [{ reply: started }, { reply: held }] = await Promise.all([
    context.warden.call('terminal.list', {}),
    context.keeper.call('terminal.list', {}),
  ]);
  const rows = await context.database.withJob('lifecycle', listAllLiveTerminals);
  const programs = new Map(started.terminals.map((terminal) => [terminal.terminalId, terminal]));
  const masters = new Set(held.terminals.map(({ terminalId }) => terminalId));

  for (const row of rows) {
    if (context.opening.has(row.id)) continue;
    const program = programs.get(row.id);
    if (program?.running && masters.has(row.id)) {
      // The server that opened it ended before it could say so.
      if (row.state === 'starting') {
        const { scope } = await systemGrant(context.access, row.teamId, 'terminal:watch', 'terminal reconcile');
        await context.database.withTenant(scope, (tx) => updateTerminal(tx, row.id, { state: 'running' }));
        if (row.workspaceId) context.hints.publish(row.workspaceId, { type: 'terminals' });
      }
      continue;
    }
    if (program?.running) {
      // Nobody could see or record it any more.
      const { sandboxId, teamId } = row;
      await context.warden.call('terminal.kill', { terminalId: row.id, sandboxId, teamId });
    }
    await endTerminal(context, keyOf(row), program?.exit ?? unknownExit);
  }

  const living = new Set(rows.map((row) => row.id));
  for (const { terminalId } of held.terminals) {
    if (living.has(terminalId) || context.opening.has(terminalId)) continue;
    const row = await context.database.withJob('lifecycle', (tx) => findAnyTerminal(tx, terminalId));
    if (row?.state === 'ended') {
      await sealExit(context, keyOf(row), { exitCode: row.exitCode, signal: row.signal });
    } else if (!row) await context.keeper.call('terminal.close', { terminalId });
  }
}
