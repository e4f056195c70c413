import { and, eq, isNull, lt } from 'drizzle-orm';
import { idempotencyKeys } from '#database/schema/identity.ts';
import type { JobTransaction, TenantTransaction } from '#database/transaction.ts';

export type IdempotencyRow = typeof idempotencyKeys.$inferSelect;

/** Takes a key for a request that begins; undefined when it is taken (then find it). Expired ones are replaced. */
export async function claimIdempotencyKey(
  tx: TenantTransaction,
  claim: { readonly key: string; readonly requestDigest: Buffer; readonly now: Date; readonly expiresAt: Date },
): Promise<IdempotencyRow | undefined> {
  const { key, requestDigest, expiresAt, now } = claim;
  const [row] = await tx
    .insert(idempotencyKeys)
    .values({ key, requestDigest, expiresAt })
    .onConflictDoUpdate({
      target: [idempotencyKeys.teamId, idempotencyKeys.key],
      set: { requestDigest, expiresAt, status: null, body: null },
      setWhere: lt(idempotencyKeys.expiresAt, now),
    })
    .returning();
  return row;
}

/** `status` is null while the first request runs. */
export async function findIdempotencyKey(tx: TenantTransaction, key: string): Promise<IdempotencyRow | undefined> {
  const [row] = await tx.select().from(idempotencyKeys).where(eq(idempotencyKeys.key, key));
  return row;
}

/** Keeps the reply for repeats. */
export async function completeIdempotencyKey(
  tx: TenantTransaction,
  key: string,
  reply: { readonly status: number; readonly body: string },
): Promise<void> {
  await tx.update(idempotencyKeys).set(reply).where(eq(idempotencyKeys.key, key));
}

/** Gives a key back after a failure that may be tried again. */
export async function releaseIdempotencyKey(tx: TenantTransaction, key: string): Promise<void> {
  await tx.delete(idempotencyKeys).where(and(eq(idempotencyKeys.key, key), isNull(idempotencyKeys.status)));
}

export async function purgeIdempotencyKeys(tx: JobTransaction<'purge'>, before: Date): Promise<void> {
  await tx.delete(idempotencyKeys).where(lt(idempotencyKeys.expiresAt, before));
}
