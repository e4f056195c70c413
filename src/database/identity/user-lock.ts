import { sql } from 'drizzle-orm';
import type { UserId } from '#base/ids.ts';
import type { AuthTransaction } from '#database/transaction.ts';

/** Makes other transactions that lock the same person wait until this one ends. */
export async function lockUser(tx: AuthTransaction, userId: UserId): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`user ${userId}`}, 0))`);
}

/** Makes other set-ups wait until this one ends, so that only one can find that nobody is there yet. */
export async function lockSetup(tx: AuthTransaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('set-up', 0))`);
}
