import { connect, type OnReadOpts, type Socket } from 'node:net';
import { Refusal } from '#broker/refusal.ts';

/** RFC 8305 §5: how long an address has to answer before the next is tried beside it. */
const staggerMs = 250;

export interface DialOptions {
  readonly addresses: readonly string[];
  readonly port: number;
  /** Ends the attempt, and destroys nothing that was returned already. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Given to the socket. Attempts share it: only the winner is ever read. */
  readonly onread?: OnReadOpts | undefined;
}

/**
 * Connects to the first of the checked addresses that answers. No name is resolved here (H13).
 *
 * @returns a connected socket with half-close allowed and Nagle's algorithm off
 * @throws Refusal 504 after `timeoutMs` (10 s), 502 when every address refused
 */
export function dial({ addresses, port, signal, onread, timeoutMs = 10_000 }: DialOptions): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const attempts = new Set<Socket>();
  const queue = [...addresses];
  let settled = false;
  let stagger: NodeJS.Timeout | undefined;

  const settle = (winner: Socket | undefined, error?: Error): void => {
    if (settled) return;
    settled = true;
    clearTimeout(stagger);
    clearTimeout(deadline);
    signal.removeEventListener('abort', cancel);
    for (const attempt of attempts) if (attempt !== winner) attempt.destroy();
    if (winner) resolve(winner);
    else reject(error ?? new Refusal(502, 'connection refused', 'the destination refused the connection'));
  };
  const cancel = (): void => settle(undefined, new Refusal(403, 'ended by policy', 'the policy no longer allows this'));
  const deadline = setTimeout(
    () => settle(undefined, new Refusal(504, 'connect timed out', 'the destination did not answer in time')),
    timeoutMs,
  );

  const next = (): void => {
    clearTimeout(stagger);
    const host = queue.shift();
    if (settled || host === undefined) return;
    const attempt = connect({
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      ...(onread ? { onread } : {}),
    });
    attempts.add(attempt);
    // Stays for the socket's whole life: an attempt that lost may still fail afterwards.
    attempt.on('error', (error) => {
      attempts.delete(attempt);
      if (settled) return;
      if (queue.length > 0) next();
      else if (attempts.size === 0) {
        settle(
          undefined,
          new Refusal(502, 'connection failed', 'the destination could not be reached', { cause: error }),
        );
      }
    });
    attempt.once('connect', () => settle(attempt));
    if (queue.length > 0) stagger = setTimeout(next, staggerMs);
  };

  if (signal.aborted) cancel();
  else next();
  return promise;
}
