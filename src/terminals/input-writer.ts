import { setTimeout as wait } from 'node:timers/promises';
import { CasemateError } from '#contract/errors.ts';
import type { Keeper, TerminalKey } from '#terminals/terminal-context.ts';

/** One call to the keeper at most; well below its queue, so that a full queue takes a piece soon. */
const pieceBytes = 16_384;
/** Bytes that may wait here before the viewer's socket is no longer read. */
const highWaterBytes = 262_144;
const retryMs = 20;
/** How long a program may leave its input unread before what waits is given up. */
const patienceMs = 10_000;

export interface InputWriter {
  /** Queues bytes for the program, in order. */
  write(bytes: Uint8Array): void;
  /** Whether so much waits that no more should be read from the viewer. */
  readonly full: boolean;
  /** Resolves when there is room again. */
  room(): Promise<void>;
}

/**
 * Hands input to the keeper in order. While one call is under way what comes next is joined, so a fast
 * typist costs few calls and the first key none. `onLost` tells that a program reads nothing.
 */
export function createInputWriter(
  keeper: Keeper,
  { terminalId }: TerminalKey,
  signal: AbortSignal,
  onLost: (error: CasemateError) => void,
): InputWriter {
  let queue: Uint8Array[] = [];
  let waiting = 0;
  let busy = false;
  const wakers: (() => void)[] = [];

  const hand = async (piece: Uint8Array): Promise<void> => {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        await keeper.call('terminal.input', { terminalId }, { payload: piece, signal });
        return;
      } catch (error) {
        const again = error instanceof CasemateError && ['rate_limited', 'unavailable'].includes(error.code);
        if (!again || performance.now() > deadline) throw error;
        await wait(retryMs, undefined, { signal });
      }
    }
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const bytes = queue.length === 1 ? (queue[0] as Uint8Array) : Buffer.concat(queue);
      queue = bytes.length > pieceBytes ? [bytes.subarray(pieceBytes)] : [];
      const piece = bytes.subarray(0, pieceBytes);
      try {
        await hand(piece);
      } finally {
        waiting -= piece.length;
        if (waiting < highWaterBytes) for (const wake of wakers.splice(0)) wake();
      }
    }
  };

  return {
    write(bytes) {
      if (bytes.length === 0 || signal.aborted) return;
      queue.push(bytes);
      waiting += bytes.length;
      if (busy) return;
      busy = true;
      drain()
        .catch((error: unknown) => {
          queue = [];
          waiting = 0;
          for (const wake of wakers.splice(0)) wake();
          if (signal.aborted) return;
          onLost(error instanceof CasemateError ? error : new CasemateError('internal', undefined, { cause: error }));
        })
        .finally(() => {
          busy = false;
        });
    },
    get full() {
      return waiting >= highWaterBytes;
    },
    room: () => (waiting < highWaterBytes ? Promise.resolve() : new Promise((resolve) => void wakers.push(resolve))),
  };
}
