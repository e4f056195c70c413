import { and, eq, lt, sql } from 'drizzle-orm';
import { loginLimits } from '#database/schema/identity.ts';
import type { AuthTransaction, JobTransaction } from '#database/transaction.ts';

export type LoginLimitRow = typeof loginLimits.$inferSelect;
export type LoginLimitKind = LoginLimitRow['kind'];

/** The counter as it stands, expired or not; undefined when nothing was counted. */
export async function findLoginLimit(
  tx: AuthTransaction,
  kind: LoginLimitKind,
  key: Buffer,
): Promise<LoginLimitRow | undefined> {
  const [row] = await tx
    .select()
    .from(loginLimits)
    .where(and(eq(loginLimits.kind, kind), eq(loginLimits.key, key)));
  return row;
}

/** Adds one, atomically, and answers with the counter; a window that ended by `now` starts over with `windowEndsAt`. */
export async function countLoginFailure(
  tx: AuthTransaction,
  of: {
    readonly kind: LoginLimitKind;
    readonly key: Buffer;
    readonly now: Date;
    readonly windowEndsAt: Date;
  },
): Promise<LoginLimitRow> {
  const over = sql`${loginLimits.windowEndsAt} <= ${of.now.toISOString()}::timestamptz`;
  const [row] = await tx
    .insert(loginLimits)
    .values({ kind: of.kind, key: of.key, count: 1, windowEndsAt: of.windowEndsAt })
    .onConflictDoUpdate({
      target: [loginLimits.kind, loginLimits.key],
      set: {
        count: sql`case when ${over} then 1 else ${loginLimits.count} + 1 end`,
        windowEndsAt: sql`case when ${over} then excluded.window_ends_at else ${loginLimits.windowEndsAt} end`,
        blockedUntil: sql`case when ${over} then null else ${loginLimits.blockedUntil} end`,
      },
    })
    .returning();
  return row ?? { kind: of.kind, key: of.key, count: 1, windowEndsAt: of.windowEndsAt, blockedUntil: null };
}

/** Refuses attempts until then. */
export async function blockLogin(
  tx: AuthTransaction,
  of: { readonly kind: LoginLimitKind; readonly key: Buffer; readonly blockedUntil: Date },
): Promise<void> {
  await tx
    .update(loginLimits)
    .set({ blockedUntil: of.blockedUntil })
    .where(and(eq(loginLimits.kind, of.kind), eq(loginLimits.key, of.key)));
}

/** Forgets a counter, after a success. */
export async function clearLoginLimit(tx: AuthTransaction, kind: LoginLimitKind, key: Buffer): Promise<void> {
  await tx.delete(loginLimits).where(and(eq(loginLimits.kind, kind), eq(loginLimits.key, key)));
}

export async function purgeLoginLimits(tx: JobTransaction<'purge'>, before: Date): Promise<void> {
  await tx.delete(loginLimits).where(lt(loginLimits.windowEndsAt, before));
}
