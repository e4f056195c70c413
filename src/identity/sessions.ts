import type { TeamId, UserId } from '#base/ids.ts';
import type { Clock } from '#base/clock.ts';
import type { Audit } from '#audit/audit.ts';
import { mintActor, type UserActor } from '#access/actor.ts';
import type { Database } from '#database/database.ts';
import {
  createSession,
  findLiveSession,
  isSessionLive,
  listLiveSessions,
  revokeSession,
  touchSession,
} from '#database/identity/session-store.ts';
import { lockUser } from '#database/identity/user-lock.ts';
import { createEndedSignal, type EndedSignal } from '#identity/ended.ts';
import type { RequestOrigin } from '#identity/origin.ts';
import { randomId } from '#identity/random-id.ts';
import { hashToken, mintToken, tokenPattern } from '#identity/token.ts';

export interface SessionLimits {
  readonly idleMinutes: number;
  readonly absoluteHours: number;
  readonly maximumConcurrent: number;
}

export interface Sessions extends EndedSignal {
  /** Starts a session on record, and ends the oldest ones beyond the limit. */
  start(
    of: { readonly userId: UserId; readonly teamId: TeamId; readonly method: string },
    origin: RequestOrigin,
  ): Promise<{ readonly token: string; readonly actor: UserActor; readonly expiresAt: Date }>;
  /** Who holds `token`; null when it is unknown, expired or revoked. */
  recognise(token: string): Promise<UserActor | null>;
  /** Ends it at once: the next request and every open socket are refused. The trail follows. */
  end(actor: UserActor, reason: string, origin: RequestOrigin): Promise<void>;
  isLive(sessionId: string): Promise<boolean>;
  /** Somebody is at work; moves the idle expiry on, at most once a minute. */
  touch(sessionId: string): Promise<void>;
}

const minuteMs = 60_000;
/** The idle expiry is written at most this often for one session. */
const touchEveryMs = minuteMs;

export function createSessions(options: {
  readonly database: Pick<Database, 'withAuth'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
  readonly limits: SessionLimits;
}): Sessions {
  const { database, audit, clock, limits } = options;
  const ended = createEndedSignal();
  const touchedAt = new Map<string, number>();

  const touch = async (sessionId: string): Promise<void> => {
    const now = clock.now();
    const last = touchedAt.get(sessionId);
    if (last !== undefined && now - last < touchEveryMs) return;
    touchedAt.set(sessionId, now);
    if (touchedAt.size > 10_000) forgetOlderThan(touchedAt, now - touchEveryMs);
    await database.withAuth((tx) =>
      touchSession(tx, sessionId, {
        lastSeenAt: new Date(now),
        idleExpiresAt: new Date(now + limits.idleMinutes * minuteMs),
      }),
    );
  };

  return {
    onEnded: ended.onEnded,
    touch,
    async start({ userId, teamId, method }, origin) {
      const now = clock.now();
      const token = mintToken();
      const sessionId = randomId<string>();
      const expiresAt = new Date(now + limits.absoluteHours * 60 * minuteMs);
      const surplus = await database.withAuth(async (tx) => {
        // Two sign-ins at once would otherwise both see room for one more.
        await lockUser(tx, userId);
        await createSession(tx, {
          id: sessionId,
          tokenHash: hashToken(token),
          userId,
          teamId,
          createdAt: new Date(now),
          lastSeenAt: new Date(now),
          idleExpiresAt: new Date(Math.min(now + limits.idleMinutes * minuteMs, expiresAt.getTime())),
          absoluteExpiresAt: expiresAt,
          address: origin.address,
          agent: origin.agent,
        });
        const live = await listLiveSessions(tx, userId, new Date(now));
        const others = live.filter((session) => session.id !== sessionId);
        const surplusIds = others.slice(Math.max(0, limits.maximumConcurrent - 1)).map((session) => session.id);
        for (const id of surplusIds) await revokeSession(tx, id, 'too many sessions', new Date(now));
        return surplusIds;
      });
      ended.emit(surplus);
      const circumstances = {
        chain: teamId,
        actor: { kind: 'user', id: userId },
        requestId: origin.requestId,
        address: origin.address,
      } as const;
      for (const _ of surplus) {
        await audit.record({
          ...circumstances,
          event: 'session.ended',
          outcome: 'success',
          fields: { reason: 'too many sessions' },
        });
      }
      await audit.record({ ...circumstances, event: 'session.started', outcome: 'success', fields: { method } });
      return { token, actor: mintActor<UserActor>({ kind: 'user', userId, teamId, sessionId }), expiresAt };
    },
    async recognise(token) {
      if (!tokenPattern.test(token)) return null;
      const session = await database.withAuth((tx) => findLiveSession(tx, hashToken(token), new Date(clock.now())));
      if (!session) return null;
      await touch(session.id);
      return mintActor<UserActor>({
        kind: 'user',
        userId: session.userId,
        teamId: session.teamId,
        sessionId: session.id,
      });
    },
    async end(actor, reason, origin) {
      const stood = await database.withAuth((tx) => revokeSession(tx, actor.sessionId, reason, new Date(clock.now())));
      ended.emit([actor.sessionId]);
      if (!stood) return;
      await audit.record({
        event: 'session.ended',
        chain: actor.teamId,
        actor: { kind: 'user', id: actor.userId },
        outcome: 'success',
        requestId: origin.requestId,
        address: origin.address,
        fields: { reason },
      });
    },
    isLive: (sessionId) => database.withAuth((tx) => isSessionLive(tx, sessionId, new Date(clock.now()))),
  };
}

function forgetOlderThan(moments: Map<string, number>, limit: number): void {
  for (const [id, at] of moments) if (at < limit) moments.delete(id);
}
