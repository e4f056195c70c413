import { setTimeout as wait } from 'node:timers/promises';
import { isUnknownMethod } from '#channel/unknown-method.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Stall } from '#contract/keeper.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import { recordedBytes, recordedOutput } from '#terminals/recording-file.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';

export interface OutputPiece {
  /** Absolute offset of the first byte. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Bytes of one frame to a viewer at most. */
export const maximumPieceBytes = 65_536;
const pollMs = 25_000;
const keeperRetryMs = 200;

/**
 * A terminal's output from `from` on, without gap or repetition, wherever it lies: in the keeper's
 * spool, or sealed in the recording. Ends when
 * there will be no more; rejects with `cancelled` when `signal` aborts. A keeper that is being
 * restarted only delays it.
 */
export async function* terminalOutput(
  context: TerminalContext,
  terminal: TerminalKey,
  scope: TenantScope,
  from: number,
  signal: AbortSignal,
  /** Hears why the program has to wait, and with null that it goes on. */
  onStall?: (stall: Stall | null) => void,
): AsyncGenerator<OutputPiece, void> {
  let offset = from;
  // A keeper of an earlier release lives on after an upgrade, and knows only how to be asked.
  let follows = true;
  const told = { stall: null as Stall | null };
  for (;;) {
    signal.throwIfAborted();
    const { terminalId } = terminal;
    try {
      if (follows) {
        using call = context.keeper.open('terminal.follow', { terminalId, offset, ...told }, { signal });
        for await (const { header, payload } of call.items) {
          if (header.stall !== told.stall) onStall?.(header.stall);
          told.stall = header.stall;
          offset += payload.length;
          if (payload.length > 0) yield { offset: header.offset, bytes: payload };
        }
        await call.done;
        return;
      }
      const { reply, payload } = await context.keeper.call(
        'terminal.read',
        { terminalId, offset, maximumBytes: maximumPieceBytes, waitMs: pollMs, ...told },
        { signal },
      );
      if (reply.stall !== told.stall) onStall?.(reply.stall);
      told.stall = reply.stall;
      if (payload.length > 0) {
        offset += payload.length;
        yield { offset: reply.offset, bytes: payload };
      } else if (reply.ended) return;
    } catch (error) {
      if (!(error instanceof CasemateError) || signal.aborted) throw error;
      if (follows && isUnknownMethod(error)) {
        follows = false;
        continue;
      }
      if (error.code === 'unavailable') {
        await wait(keeperRetryMs, undefined, { signal });
        continue;
      }
      if (error.code !== 'offset_trimmed' && error.code !== 'not_found') throw error;
      const before = offset;
      for await (const piece of recordedOutput(context, terminal, scope, offset)) {
        signal.throwIfAborted();
        offset = piece.offset + piece.bytes.length;
        yield piece;
      }
      // The keeper has forgotten the terminal: what is sealed is all.
      if (error.code === 'not_found') return;
      if (offset === before) throw new CasemateError('gone', 'A part of the recording is missing.', { cause: error });
    }
  }
}

/** Absolute offset after the last byte that is known. */
export async function outputEnd(context: TerminalContext, terminal: TerminalKey): Promise<number> {
  const { reply } = await context.keeper.call('terminal.list', {});
  const live = reply.terminals.find(({ terminalId }) => terminalId === terminal.terminalId);
  return live ? live.end : recordedBytes(context, terminal);
}
