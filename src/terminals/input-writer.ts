import { setTimeout as wait } from 'node:timers/promises';
import type { OpenCall } from '#channel/connect.ts';
import { isUnknownMethod } from '#channel/unknown-method.ts';
import { CasemateError } from '#contract/errors.ts';
import type { keeperMethods } from '#contract/keeper.ts';
import type { Keeper, TerminalKey } from '#terminals/terminal-context.ts';

/** One item to the keeper at most; well below its queue, so that a full queue takes a piece soon. */
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
 * Streams input to the keeper in order, from the first byte until `signal` aborts. What the keeper has not
 * told to be taken is kept, and sent again to the keeper after it. `onLost` tells that a program reads
 * nothing, or that nobody can take it; what was not taken is given up then.
 */
export function createInputWriter(
  keeper: Keeper,
  { terminalId }: TerminalKey,
  signal: AbortSignal,
  onLost: (error: CasemateError) => void,
): InputWriter {
  let kept: Uint8Array[] = [];
  /** So many of `kept` are on their way. */
  let sent = 0;
  let waiting = 0;
  let call: OpenCall<(typeof keeperMethods)['terminal.type']> | undefined;
  let running = false;
  /** Counts what was given up: a run that is still on its way then does nothing more. */
  let turn = 0;
  let sending = false;
  let progressAt = 0;
  let watch: NodeJS.Timeout | undefined;
  const wakers: (() => void)[] = [];

  const took = (bytes: number): void => {
    for (let left = bytes; left > 0 && kept[0]; sent -= 1) {
      left -= kept[0].length;
      waiting -= kept[0].length;
      kept.shift();
    }
    progressAt = performance.now();
    if (waiting < highWaterBytes) for (const wake of wakers.splice(0)) wake();
  };
  const lose = (error: unknown): void => {
    const given = call;
    call = undefined;
    running = false;
    turn += 1;
    given?.cancel();
    kept = [];
    sent = 0;
    waiting = 0;
    for (const wake of wakers.splice(0)) wake();
    if (signal.aborted) return;
    onLost(error instanceof CasemateError ? error : new CasemateError('internal', undefined, { cause: error }));
  };
  const lookAtProgress = (): void => {
    watch = undefined;
    if (waiting === 0 || signal.aborted) return;
    const left = progressAt + patienceMs - performance.now();
    if (left > 0) watch = setTimeout(lookAtProgress, left);
    else lose(new CasemateError(call ? 'rate_limited' : 'unavailable'));
  };
  const flush = async (): Promise<void> => {
    const to = call;
    if (!to || sending) return;
    sending = true;
    for (let piece = kept[sent]; piece && call === to; piece = kept[sent]) {
      sent += 1;
      await to.send({ bytes: piece.length }, piece);
    }
    if (call === to) sending = false;
  };
  // Fails only once the call is over, and `follow` sees why.
  const flushOn = (): void => void flush().catch(() => undefined);
  const follow = async (): Promise<void> => {
    using opened = keeper.open('terminal.type', { terminalId }, { signal });
    try {
      call = opened;
      sent = 0;
      sending = false;
      flushOn();
      for await (const { header } of opened.items) took(header.bytes);
      await opened.done;
    } finally {
      if (call === opened) call = undefined;
    }
  };
  /** To a keeper of an earlier release, which takes one piece a call. */
  const handOne = async (): Promise<void> => {
    const payload = kept[0];
    if (!payload) return;
    await keeper.call('terminal.input', { terminalId }, { payload, signal });
    if (kept[0] === payload) took(payload.length);
  };
  const run = async (): Promise<void> => {
    const own = turn;
    let streams = true;
    do {
      try {
        await (streams ? follow() : handOne());
      } catch (error) {
        if (!(error instanceof CasemateError)) throw error;
        // `lose` has given up what waited; or the viewer is gone.
        if (error.code === 'cancelled') return;
        if (streams && isUnknownMethod(error)) streams = false;
        else if (error.code === 'rate_limited' || error.code === 'unavailable') {
          await wait(retryMs, undefined, { signal });
        } else throw error;
      }
    } while (kept.length > 0 && own === turn && !signal.aborted);
    if (own === turn) running = false;
  };

  return {
    write(bytes) {
      if (bytes.length === 0 || signal.aborted) return;
      if (waiting === 0) progressAt = performance.now();
      for (let at = 0; at < bytes.length; at += pieceBytes) kept.push(bytes.subarray(at, at + pieceBytes));
      waiting += bytes.length;
      watch ??= setTimeout(lookAtProgress, patienceMs);
      if (running) return flushOn();
      running = true;
      const own = turn;
      run().catch((error: unknown) => {
        if (own === turn) lose(error);
      });
    },
    get full() {
      return waiting >= highWaterBytes;
    },
    room: () => (waiting < highWaterBytes ? Promise.resolve() : new Promise((resolve) => void wakers.push(resolve))),
  };
}
