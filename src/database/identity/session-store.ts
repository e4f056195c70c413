import { and, desc, eq, gt, isNull, lt } from 'drizzle-orm';
import type { UserId } from '#base/ids.ts';
import { sessions } from '#database/schema/identity.ts';
import type { AuthTransaction, JobTransaction } from '#database/transaction.ts';

export type SessionRow = typeof sessions.$inferSelect;
export type NewSession = Omit<typeof sessions.$inferInsert, 'revokedAt' | 'revokedReason'>;

const live = (now: Date) =>
  and(isNull(sessions.revokedAt), gt(sessions.idleExpiresAt, now), gt(sessions.absoluteExpiresAt, now));

export async function createSession(tx: AuthTransaction, session: NewSession): Promise<void> {
  await tx.insert(sessions).values(session);
}

/** The session of a token, when it is neither revoked nor expired at `now`. */
export async function findLiveSession(
  tx: AuthTransaction,
  tokenHash: Buffer,
  now: Date,
): Promise<SessionRow | undefined> {
  const [row] = await tx
    .select()
    .from(sessions)
    .where(and(eq(sessions.tokenHash, tokenHash), live(now)));
  return row;
}

/** Whether a session, found before, still stands: for sockets that stay open. */
export async function isSessionLive(tx: AuthTransaction, sessionId: string, now: Date): Promise<boolean> {
  const rows = await tx
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.id, sessionId), live(now)));
  return rows.length > 0;
}

/** Moves the idle expiry of a live session on. */
export async function touchSession(
  tx: AuthTransaction,
  sessionId: string,
  at: { readonly lastSeenAt: Date; readonly idleExpiresAt: Date },
): Promise<void> {
  await tx
    .update(sessions)
    .set(at)
    .where(and(eq(sessions.id, sessionId), live(at.lastSeenAt)));
}

/** A person's live sessions, the newest first. */
export async function listLiveSessions(tx: AuthTransaction, userId: UserId, now: Date): Promise<readonly SessionRow[]> {
  return tx
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, userId), live(now)))
    .orderBy(desc(sessions.createdAt), desc(sessions.id));
}

/** Ends a session for good; true when it was still standing. */
export async function revokeSession(
  tx: AuthTransaction,
  sessionId: string,
  reason: string,
  now: Date,
): Promise<boolean> {
  const rows = await tx
    .update(sessions)
    .set({ revokedAt: now, revokedReason: reason })
    .where(and(eq(sessions.id, sessionId), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });
  return rows.length > 0;
}

/** Ends every session of a person; answers with the ids of those that stood. */
export async function revokeUserSessions(
  tx: AuthTransaction,
  userId: UserId,
  reason: string,
  now: Date,
): Promise<readonly string[]> {
  const rows = await tx
    .update(sessions)
    .set({ revokedAt: now, revokedReason: reason })
    .where(and(eq(sessions.userId, userId), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });
  return rows.map((row) => row.id);
}

/** Removes sessions whose absolute expiry is before `before`. */
export async function purgeSessions(tx: JobTransaction<'purge'>, before: Date): Promise<void> {
  await tx.delete(sessions).where(lt(sessions.absoluteExpiresAt, before));
}
