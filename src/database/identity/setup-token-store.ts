import { and, eq, gt, isNull, lt } from 'drizzle-orm';
import { setupTokens } from '#database/schema/identity.ts';
import type { AuthTransaction, JobTransaction } from '#database/transaction.ts';

/** Keeps the SHA-256 of a set-up token. Earlier unused ones end. */
export async function createSetupToken(
  tx: AuthTransaction,
  token: { readonly hash: Buffer; readonly expiresAt: Date; readonly now: Date },
): Promise<void> {
  await tx.update(setupTokens).set({ usedAt: token.now }).where(isNull(setupTokens.usedAt));
  await tx.insert(setupTokens).values({ hash: token.hash, expiresAt: token.expiresAt });
}

const usable = (hash: Buffer, now: Date) =>
  and(eq(setupTokens.hash, hash), isNull(setupTokens.usedAt), gt(setupTokens.expiresAt, now));

/** Whether a token could be used at `now`. */
export async function isSetupTokenUsable(tx: AuthTransaction, hash: Buffer, now: Date): Promise<boolean> {
  const rows = await tx.select({ hash: setupTokens.hash }).from(setupTokens).where(usable(hash, now));
  return rows.length > 0;
}

/** Uses a token up; false when it is unknown, used or expired. Of two that race, one gets true. */
export async function useSetupToken(tx: AuthTransaction, hash: Buffer, now: Date): Promise<boolean> {
  const rows = await tx
    .update(setupTokens)
    .set({ usedAt: now })
    .where(usable(hash, now))
    .returning({ hash: setupTokens.hash });
  return rows.length > 0;
}

export async function purgeSetupTokens(tx: JobTransaction<'purge'>, before: Date): Promise<void> {
  await tx.delete(setupTokens).where(lt(setupTokens.expiresAt, before));
}
