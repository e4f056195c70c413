import { join } from 'node:path';
import { CasemateError } from '#contract/errors.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import { findTerminalRecording } from '#database/workspaces/terminal-store.ts';
import { readRecording } from '#recordings/read-recording.ts';
import { totalOutput } from '#recordings/total-output.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';
import type { SealedPlace } from '#vault/vault.ts';

/** The cell of a recording's private key. */
export const recordingKeyPlace = ({ terminalId, teamId }: Pick<TerminalKey, 'terminalId' | 'teamId'>): SealedPlace => ({
  table: 'terminals',
  column: 'recording_private_key',
  rowId: terminalId,
  team: teamId,
});

const recordingPath = (context: TerminalContext, { terminalId }: TerminalKey): string =>
  join(context.recordingsDirectory, `${terminalId}.rec`);

/** Output bytes that are sealed so far. */
export function recordedBytes(context: TerminalContext, terminal: TerminalKey): Promise<number> {
  return totalOutput(recordingPath(context, terminal));
}

/** Output from the recording, as far as it is sealed at the moment. The key is in memory only while it is read. */
export async function* recordedOutput(
  context: TerminalContext,
  terminal: TerminalKey,
  scope: TenantScope,
  from: number,
): AsyncGenerator<{ readonly offset: number; readonly bytes: Uint8Array }> {
  const row = await context.database.withTenant(scope, (tx) => findTerminalRecording(tx, terminal.terminalId));
  if (!row) throw new CasemateError('not_found', 'There is no such terminal.');
  const privateKey = context.vault.open(recordingKeyPlace(terminal), row.recordingPrivateKey);
  try {
    for await (const event of readRecording(recordingPath(context, terminal), { privateKey, from })) {
      if (event.kind === 'output' && event.bytes.length > 0) yield { offset: event.offset, bytes: event.bytes };
    }
  } finally {
    privateKey.fill(0);
  }
}
