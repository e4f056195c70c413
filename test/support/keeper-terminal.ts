import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { mintId, type TeamId, type TerminalId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import { type BoxKeyPair, generateBoxKeyPair } from '#seal/box.ts';
import type { TestKeeper } from './start-keeper.ts';

export interface TestTerminal {
  readonly terminalId: TerminalId;
  readonly teamId: TeamId;
  readonly keys: BoxKeyPair;
}

const random = (bytes: Uint8Array): Uint8Array => Uint8Array.from(randomBytes(bytes.length));

/** Opens a terminal with a recording key of its own; no program runs in it yet. */
export async function openTerminal(keeper: TestKeeper, teamId?: TeamId): Promise<TestTerminal> {
  const terminal = {
    terminalId: mintId<TerminalId>(random),
    teamId: teamId ?? mintId<TeamId>(random),
    keys: generateBoxKeyPair(),
  };
  await keeper.channel.call('terminal.open', {
    terminalId: terminal.terminalId,
    teamId: terminal.teamId,
    recordingPublicKey: terminal.keys.publicKey.toString('base64'),
    size: { columns: 80, rows: 24 },
  });
  return terminal;
}

/**
 * Reads a terminal from `from` until it ends or `enough` says so, through deaths of the keeper.
 * Gives each piece to `onBytes`; throws when the wanted bytes were trimmed.
 */
export async function follow(
  keeper: TestKeeper,
  terminalId: TerminalId,
  onBytes: (bytes: Buffer, offset: number) => void,
  options: { readonly from?: number; readonly enough?: (offset: number) => boolean } = {},
): Promise<number> {
  let offset = options.from ?? 0;
  while (!options.enough?.(offset)) {
    try {
      const request = { terminalId, offset, maximumBytes: 1_048_576, waitMs: 1000 };
      const { reply, payload } = await keeper.channel.call('terminal.read', request);
      onBytes(payload, offset);
      offset += payload.length;
      if (reply.ended) break;
    } catch (error) {
      if (!(error instanceof CasemateError) || error.code !== 'unavailable') throw error;
      await delay(20);
    }
  }
  return offset;
}

/** The terminal as the keeper lists it, or undefined when it does not. */
export async function listed(keeper: TestKeeper, terminalId: TerminalId) {
  const { reply } = await keeper.channel.call('terminal.list', {});
  return reply.terminals.find((terminal) => terminal.terminalId === terminalId);
}

/** Waits until `condition` holds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  milliseconds = 15_000,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain: ${what}`);
    await delay(20);
  }
}
