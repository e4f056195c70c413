import { CasemateError } from '#contract/errors.ts';
import type { Stall } from '#contract/keeper.ts';
import type { Bell } from '#keeper/bell.ts';
import type { Spool } from '#keeper/spool.ts';

/** Bytes of one reply at most: larger ones move no faster and cost memory for every viewer. */
const replyBytes = 262_144;
/** Bytes of one item at most. */
const itemBytes = 65_536;

export interface ReadRequest {
  readonly offset: number;
  readonly maximumBytes: number;
  readonly waitMs: number;
  readonly stall?: Stall | null | undefined;
}

export interface TerminalReader {
  /** One answer, waited for at most `waitMs`. */
  read(
    request: ReadRequest,
    signal: AbortSignal,
  ): Promise<{ bytes: Buffer; end: number; ended: boolean; stall: Stall | null }>;
  /** Sends all bytes from `offset` on, and each change of the stall; resolves when there will be no more. */
  follow(
    from: Pick<ReadRequest, 'offset'> & { readonly stall: Stall | null },
    send: (item: { offset: number; stall: Stall | null }, bytes: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface TerminalReaderOptions {
  readonly spool: Spool;
  /** Rings whenever an answer may have changed. */
  readonly bell: Bell;
  /** Why nothing can be read any more. */
  readonly gone: () => 'unavailable' | 'not_found' | null;
  /** Every byte is in the spool and sealed. */
  readonly ended: () => boolean;
  readonly stalled: () => Stall | null;
}

/** Hands out what is in the spool, and nothing that is not: the spool is part of the recording. */
export function createTerminalReader({ spool, bell, gone, ended, stalled }: TerminalReaderOptions): TerminalReader {
  const requireReadable = (offset: number): void => {
    const reason = gone();
    if (reason) throw new CasemateError(reason);
    if (offset > spool.end) {
      throw new CasemateError('invalid_request', 'The offset lies after the end', { detail: { end: spool.end } });
    }
    if (offset < spool.start) {
      const detail = { spoolStart: spool.start };
      throw new CasemateError('offset_trimmed', 'Read these bytes from the recording', { detail });
    }
  };

  return {
    async read({ offset, maximumBytes, waitMs, stall: known }, signal) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        requireReadable(offset);
        const left = deadline - performance.now();
        const none = offset === spool.end;
        const stall = stalled();
        const news = known !== undefined && stall !== known;
        if (!none || ended() || left <= 0 || signal.aborted || news) {
          const bytes = none ? Buffer.alloc(0) : spool.read(offset, Math.min(maximumBytes, replyBytes));
          return { bytes, end: spool.end, ended: ended() && offset + bytes.length === spool.end, stall };
        }
        await bell.wait(left, signal);
      }
    },
    async follow(from, send, signal) {
      let { offset, stall: told } = from;
      let wake = (): void => undefined;
      const stop = bell.listen(() => wake());
      const onAbort = (): void => wake();
      signal.addEventListener('abort', onAbort);
      try {
        while (!signal.aborted) {
          requireReadable(offset);
          const stall = stalled();
          if (offset < spool.end || stall !== told) {
            const bytes = spool.read(offset, itemBytes);
            told = stall;
            // Sent before anything else happens, unless the reader is a whole window behind.
            await send({ offset, stall }, bytes);
            offset += bytes.length;
          } else if (ended()) return;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        stop();
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}
