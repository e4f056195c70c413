import type { Clock } from '#base/clock.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Database } from '#database/database.ts';
import {
  claimIdempotencyKey,
  completeIdempotencyKey,
  findIdempotencyKey,
  releaseIdempotencyKey,
} from '#database/identity/idempotency-store.ts';
import type { Grant } from '#access/grant.ts';

const keptMs = 24 * 3_600_000;
/** A request that has not ended by then never will: the server was killed under it. */
const abandonedAfterMs = 2 * 60_000;

export interface StoredReply {
  readonly status: number;
  readonly body: string;
}

export interface Idempotency {
  /**
   * Runs `act` once for `key` of this caller in this team, and answers repeats with the first reply.
   * CasemateError `idempotency_mismatch` when the key was used for another request, `conflict` while
   * the first one still runs. After a failure the key is free again.
   */
  once(
    grant: Grant,
    key: string,
    request: string,
    act: () => Promise<StoredReply>,
  ): Promise<StoredReply & { readonly replayed: boolean }>;
}

export function createIdempotency(options: {
  readonly database: Pick<Database, 'withTenant'>;
  /** A keyed digest of the request, 32 bytes. */
  readonly digest: (request: string) => Buffer;
  readonly clock: Clock;
}): Idempotency {
  const { database, digest, clock } = options;
  return {
    async once(grant, key, request, act) {
      const { actor } = grant;
      const caller = 'userId' in actor ? `${actor.kind}:${actor.userId}` : actor.kind;
      const scopedKey = `${caller}:${key}`;
      const requestDigest = digest(request);
      const now = clock.now();
      const earlier = await database.withTenant(grant.scope, async (tx) => {
        const claim = {
          key: scopedKey,
          requestDigest,
          now: new Date(now),
          expiresAt: new Date(now + keptMs),
        };
        if (await claimIdempotencyKey(tx, claim)) return undefined;
        const row = await findIdempotencyKey(tx, scopedKey);
        if (row?.status !== null || row.createdAt.getTime() > now - abandonedAfterMs) return row;
        await releaseIdempotencyKey(tx, scopedKey);
        return (await claimIdempotencyKey(tx, claim)) ? undefined : row;
      });
      if (earlier) {
        if (!earlier.requestDigest.equals(requestDigest)) throw new CasemateError('idempotency_mismatch');
        if (earlier.status === null) {
          throw new CasemateError('conflict', 'The first request with this idempotency key still runs', {
            detail: { retryAfterSeconds: 1 },
          });
        }
        return { status: earlier.status, body: earlier.body ?? '', replayed: true };
      }
      let reply: StoredReply;
      try {
        reply = await act();
      } catch (error) {
        await database.withTenant(grant.scope, (tx) => releaseIdempotencyKey(tx, scopedKey));
        throw error;
      }
      await database.withTenant(grant.scope, (tx) => completeIdempotencyKey(tx, scopedKey, reply));
      return { ...reply, replayed: false };
    },
  };
}
