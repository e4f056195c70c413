import { and, eq, sql } from 'drizzle-orm';
import { loginLimits } from '#database/schema/identity.ts';
import type { AuthTransaction } from '#database/transaction.ts';
import type { LoginLimitKind } from '#database/identity/login-limit-store.ts';

/** Takes back one count, for an attempt that succeeded after it had been counted. */
export async function forgiveLoginAttempt(tx: AuthTransaction, kind: LoginLimitKind, key: Buffer): Promise<void> {
  await tx
    .update(loginLimits)
    .set({ count: sql`greatest(${loginLimits.count} - 1, 0)` })
    .where(and(eq(loginLimits.kind, kind), eq(loginLimits.key, key)));
}
