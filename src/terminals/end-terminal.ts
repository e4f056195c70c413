import { setTimeout as wait } from 'node:timers/promises';
import { CasemateError } from '#contract/errors.ts';
import type { Exit } from '#contract/warden.ts';
import { updateTerminal } from '#database/workspaces/terminal-store.ts';
import { byServer } from '#sandboxes/sandbox-context.ts';
import { systemGrant } from '#sandboxes/system-grant.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';

/** How long what a program left behind may go on writing to its terminal. */
const lingerMs = 5000;
const lookEveryMs = 200;

/** Writes down, once, that a terminal's program has ended: row, trail, recording; and tells who looks. */
export async function endTerminal(context: TerminalContext, key: TerminalKey, exit: Exit): Promise<void> {
  const { terminalId, teamId } = key;
  const { scope } = await systemGrant(context.access, teamId, 'terminal:drive', 'terminal end');
  const change = { state: 'ended', ...exit, endedAt: new Date(context.clock.now()) } as const;
  const updated = await context.database.withTenant(scope, (tx) => updateTerminal(tx, terminalId, change));
  if (!updated) return;
  context.viewed.get(terminalId)?.ended(exit);
  const bytes = await sealExit(context, key, exit);
  if (key.workspaceId) {
    context.hints.publish(key.workspaceId, { type: 'terminals' });
    context.hints.publish(key.workspaceId, { type: 'files' });
  }
  const fields = { terminalId, exitCode: exit.exitCode, signal: exit.signal, bytes };
  await context.audit.record({ ...byServer(teamId), event: 'terminal.ended', outcome: 'success', fields });
}

/**
 * Lets the keeper finish the recording with the exit and forget the terminal. Returns how many bytes
 * it wrote, null when the keeper does not know. Does not wait for what lingers.
 */
export async function sealExit(context: TerminalContext, key: TerminalKey, exit: Exit): Promise<number | null> {
  const { terminalId } = key;
  try {
    await context.keeper.call('terminal.exited', { terminalId, exit });
    const { reply } = await context.keeper.call('terminal.list', {});
    const known = reply.terminals.find((terminal) => terminal.terminalId === terminalId);
    void closeWhenQuiet(context, key);
    return known?.end ?? null;
  } catch (error) {
    if (!(error instanceof CasemateError)) throw error;
    // A keeper that is away hears of it when the lists are compared.
    const level = error.code === 'not_found' ? 'debug' : 'warn';
    context.log[level]({ err: error, terminalId }, 'the keeper could not take the end of a terminal');
    return null;
  }
}

/** Forgets the spool once every byte is sealed; what still holds the PTY after a while is hung up. */
async function closeWhenQuiet(context: TerminalContext, { terminalId }: TerminalKey): Promise<void> {
  const deadline = performance.now() + lingerMs;
  try {
    while (performance.now() < deadline) {
      const { reply } = await context.keeper.call('terminal.list', {});
      const known = reply.terminals.find((terminal) => terminal.terminalId === terminalId);
      if (known?.state !== 'live') break;
      await wait(lookEveryMs, undefined, { ref: false });
    }
    await context.keeper.call('terminal.close', { terminalId });
  } catch (error) {
    const expected = error instanceof CasemateError && ['not_found', 'unavailable'].includes(error.code);
    context.log[expected ? 'debug' : 'error']({ err: error, terminalId }, 'the keeper did not close a terminal');
  }
}
