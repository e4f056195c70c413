import { auditContext, type Grant } from '#access/grant.ts';
import { mintId, type TerminalId, type WorkspaceId } from '#base/ids.ts';
import type { createTerminalSchema } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import { takeTeamTurn } from '#database/workspaces/team-lock.ts';
import {
  createTerminal,
  listSandboxTerminals,
  type TerminalView,
  updateTerminal,
} from '#database/workspaces/terminal-store.ts';
import type { RunningSandbox } from '#sandboxes/sandbox-context.ts';
import { generateBoxKeyPair } from '#seal/box.ts';
import { endTerminal } from '#terminals/end-terminal.ts';
import { type Program, programOf } from '#terminals/programs.ts';
import { recordingKeyPlace } from '#terminals/recording-file.ts';
import type { TerminalContext } from '#terminals/terminal-context.ts';
import type { z } from 'zod';

export type OpenTerminalRequest = z.output<typeof createTerminalSchema>;

const workingDirectory = { path: '/home/user/workspace' };
const terminalEnvironment = { TERM: 'xterm-256color', COLORTERM: 'truecolor' };

/**
 * Starts a program on a new PTY, whose output is recorded from its first byte: the keeper has the
 * recording open before the program exists. Errors: those of the sandbox's start, `quota_exceeded`.
 */
export async function openTerminal(
  context: TerminalContext,
  grant: Grant<'terminal:drive'>,
  workspaceId: WorkspaceId,
  request: OpenTerminalRequest,
): Promise<TerminalView> {
  if (!('userId' in grant.actor)) throw new CasemateError('forbidden', 'Only a person or a key can open a terminal.');
  const sandbox = await context.sandboxes.ensure(grant, workspaceId);
  const program = programOf(request);
  const terminalId = mintId<TerminalId>(context.random);
  context.opening.add(terminalId);
  try {
    const row = await addRow(context, grant, { sandbox, workspaceId, terminalId, program, size: request.size });
    try {
      await startProgram(context, grant, row, program, request.size);
    } catch (error) {
      context.log.warn({ err: error, terminalId }, 'a terminal could not be opened');
      const key = { terminalId, teamId: row.teamId, workspaceId, sandboxId: row.sandboxId };
      await endTerminal(context, key, { exitCode: null, signal: null });
      throw error;
    }
    const running = await context.database.withTenant(grant.scope, (tx) =>
      updateTerminal(tx, terminalId, { state: 'running' }),
    );
    context.hints.publish(workspaceId, { type: 'terminals' });
    return running ?? { ...row, state: 'ended' };
  } finally {
    context.opening.delete(terminalId);
  }
}

async function addRow(
  context: TerminalContext,
  grant: Grant<'terminal:drive'>,
  of: {
    readonly sandbox: RunningSandbox;
    readonly workspaceId: WorkspaceId;
    readonly terminalId: TerminalId;
    readonly program: Program;
    readonly size: { readonly columns: number; readonly rows: number };
  },
): Promise<TerminalView> {
  const { sandbox, terminalId } = of;
  const { publicKey, privateKey } = generateBoxKeyPair();
  const recordingPrivateKey = context.vault.seal(recordingKeyPlace({ terminalId, teamId: grant.teamId }), privateKey);
  privateKey.fill(0);
  if (!('userId' in grant.actor)) throw new CasemateError('forbidden');
  const createdBy = grant.actor.userId;
  const row = await context.database.withTenant(grant.scope, async (tx) => {
    await takeTeamTurn(tx, 'terminals');
    if ((await listSandboxTerminals(tx, sandbox.sandboxId)).length >= context.terminalsPerSandbox) {
      throw new CasemateError(
        'quota_exceeded',
        `The workspace has ${context.terminalsPerSandbox} terminals, which is its limit. Close one first.`,
        { detail: { limit: context.terminalsPerSandbox } },
      );
    }
    return createTerminal(tx, {
      id: terminalId,
      workspaceId: of.workspaceId,
      sandboxId: sandbox.sandboxId,
      title: of.program.title,
      program: of.program.name,
      columns: of.size.columns,
      rows: of.size.rows,
      state: 'starting',
      recordingPublicKey: publicKey,
      recordingPrivateKey,
      createdBy,
      createdAt: new Date(context.clock.now()),
    });
  });
  if (!row) throw new CasemateError('internal');
  return row;
}

async function startProgram(
  context: TerminalContext,
  grant: Grant<'terminal:drive'>,
  row: TerminalView,
  program: Program,
  size: { readonly columns: number; readonly rows: number },
): Promise<void> {
  const { id: terminalId, sandboxId, teamId } = row;
  await context.keeper.call('terminal.open', {
    terminalId,
    teamId,
    recordingPublicKey: row.recordingPublicKey.toString('base64'),
    size,
  });
  // On record before a program runs; what follows it in the trail says when it could not.
  await context.audit.record({
    ...auditContext(grant),
    event: 'terminal.opened',
    outcome: 'success',
    fields: { terminalId, sandboxId, workspaceId: row.workspaceId, program: program.name },
  });
  await context.warden.call('terminal.start', {
    sandboxId,
    teamId,
    terminalId,
    arguments: [...program.arguments],
    workingDirectory,
    environment: { ...(await context.sandboxes.environment(grant.scope)), ...terminalEnvironment },
    size,
  });
}
