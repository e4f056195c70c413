import type { Clock } from '#base/clock.ts';
import type { Checkpoint, CheckpointHead } from '#contract/checkpoint.ts';
import type { Audit } from '#audit/audit.ts';
import type { Database } from '#database/database.ts';
import { addCheckpoint, listNewestCheckpoints } from '#database/trail/checkpoint-store.ts';

/** The signer outside this process. Null while it cannot be reached; the trail goes on without it. */
export type SignHead = (
  head: CheckpointHead,
) => Promise<{ readonly signed: Checkpoint } | { readonly refused: string } | null>;

export interface CheckpointOptions {
  readonly database: Database;
  readonly audit: Pick<Audit, 'heads' | 'record'>;
  readonly clock: Clock;
  readonly sign: SignHead;
  readonly log: {
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** How often heads are looked at, milliseconds. */
  readonly everyMs?: number;
}

/** A chain that grew by so many records is signed at once, and one that grew at all after a minute. */
const manyRecords = 1000;
const patienceMs = 60_000;
const defaultEveryMs = 5000;

/**
 * Has heads of chains signed as they grow, beside the writers, which wait for nothing here. What
 * cannot be signed now is signed later: the next checkpoint covers all records before it.
 */
export function keepCheckpoints(options: CheckpointOptions): AsyncDisposable & { look(): Promise<void> } {
  const { database, audit, clock, sign, log } = options;
  let newest: Map<string, { sequence: number; hash: string; atMs: number }> | undefined;
  const refused = new Map<string, number>();

  const isDue = ({ chain, sequence, hash }: CheckpointHead): boolean => {
    const last = newest?.get(chain);
    if (sequence === 0 || refused.get(chain) === sequence) return false;
    if (sequence === last?.sequence && hash === last.hash) return false;
    // One that went back is for the signer to refuse, and to raise the alarm.
    if (!last || sequence <= last.sequence) return true;
    return sequence - last.sequence >= manyRecords || Math.abs(clock.now() - last.atMs) >= patienceMs;
  };
  const complain = async ({ chain, sequence }: CheckpointHead, reason: string): Promise<void> => {
    refused.set(chain, sequence);
    log.error({ security: 'alert.checkpoint', chain, sequence, reason }, 'the head of an audit chain was refused');
    await audit.record({
      event: 'alert.checkpoint',
      chain: 'instance',
      actor: { kind: 'system', process: 'signer' },
      outcome: 'denied',
      requestId: null,
      address: null,
      fields: { chainName: chain, sequence, reason },
    });
  };
  const look = async (): Promise<void> => {
    newest ??= new Map(
      (await database.withJob('audit', listNewestCheckpoints)).map((row) => [
        row.chain,
        { sequence: row.sequence, hash: row.hash, atMs: row.signedAt.getTime() },
      ]),
    );
    for (const { chain, sequence, hash } of await audit.heads()) {
      if (!isDue({ chain, sequence, hash })) continue;
      const answer = await sign({ chain, sequence, hash });
      if (answer === null) return;
      if ('refused' in answer) {
        await complain({ chain, sequence, hash }, answer.refused);
        continue;
      }
      const { time, keyId, signature } = answer.signed;
      const signedAt = new Date(time);
      await database.withJob('audit', (tx) =>
        addCheckpoint(tx, { chain, sequence, hash, signedAt, keyId, signature: Buffer.from(signature, 'base64') }),
      );
      newest.set(chain, { sequence, hash, atMs: clock.now() });
    }
  };

  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => log.warn({ err: error }, 'the audit trail has no new checkpoint; tried again soon'))
      .finally(() => {
        looking = undefined;
      });
  }, options.everyMs ?? defaultEveryMs);
  timer.unref();
  return {
    look,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
    },
  };
}
