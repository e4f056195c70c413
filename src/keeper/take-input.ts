import { setTimeout as wait } from 'node:timers/promises';
import { CasemateError } from '#contract/errors.ts';

/** A full queue is tried again so often. */
const retryMs = 20;
/** What was taken is told this late, so that the answer does not compete with the echo for a processor. */
const tellAfterMs = 2;

export interface InputStream {
  readonly items: AsyncIterable<{ readonly payload: Buffer }>;
  /** Tells the sender that `bytes` more were taken. */
  send(item: { bytes: number }): Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Takes typed input until its sender ends it. A program that does not read leaves items untaken, so the
 * sender runs out of credit. Rejects with what `take` throws, other than `rate_limited`.
 */
export async function takeInput({ items, send, signal }: InputStream, take: (bytes: Buffer) => void): Promise<void> {
  const untold = { bytes: 0 };
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    timer = undefined;
    const { bytes } = untold;
    untold.bytes = 0;
    // Fails only once the call is over, which ends the items as well.
    send({ bytes }).catch(() => undefined);
  };
  const takeWhole = async (bytes: Buffer): Promise<void> => {
    for (;;) {
      try {
        return take(bytes);
      } catch (error) {
        if (!(error instanceof CasemateError) || error.code !== 'rate_limited') throw error;
        await wait(retryMs, undefined, { signal });
      }
    }
  };
  try {
    for await (const { payload } of items) {
      await takeWhole(payload);
      untold.bytes += payload.length;
      timer ??= setTimeout(tell, tellAfterMs);
    }
  } finally {
    clearTimeout(timer);
    if (timer) tell();
  }
}
