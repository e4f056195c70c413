import { randomBytes } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { UserId } from '#base/ids.ts';
import type { Audit } from '#audit/audit.ts';
import { type KeyActor, mintActor } from '#access/actor.ts';
import { assertGrant, auditContext, type Grant } from '#access/grant.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Database } from '#database/database.ts';
import {
  type ApiKeyView,
  createApiKey,
  findApiKey,
  listApiKeys,
  revokeApiKey,
  touchApiKey,
} from '#database/identity/key-store.ts';
import type { Page, PageQuery } from '#database/page.ts';
import { createEndedSignal, type EndedSignal } from '#identity/ended.ts';
import { randomId } from '#identity/random-id.ts';
import { hashToken } from '#identity/token.ts';

export type { ApiKeyView };

/** The form that the official E2B SDKs check. */
export const apiKeyPattern = /^e2b_[0-9a-f]{40}$/;
const shownCharacters = 12;
const touchEveryMs = 60_000;

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresInDays?: number | undefined;
}

export interface Keys extends EndedSignal {
  /** `secret` is shown once: only its SHA-256 stays. `ownerId`: whose rights the key has at most. */
  create(
    grant: Grant<'key:write'>,
    ownerId: UserId,
    key: NewKey,
  ): Promise<{ readonly key: ApiKeyView; readonly secret: string }>;
  list(grant: Grant<'key:write'>, query: PageQuery): Promise<Page<ApiKeyView>>;
  /** Ends a key at once, for open connections too. CasemateError `not_found`. */
  revoke(grant: Grant<'key:write'>, keyId: string): Promise<ApiKeyView>;
  /** Who holds `secret`; null when it is unknown, expired or revoked. */
  recognise(secret: string): Promise<KeyActor | null>;
  isLive(keyHash: Buffer): Promise<boolean>;
}

export function createKeys(options: {
  readonly database: Pick<Database, 'withAuth' | 'withTenant'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
}): Keys {
  const { database, audit, clock } = options;
  const ended = createEndedSignal();
  const touchedAt = new Map<string, number>();

  const findLive = async (hash: Buffer): Promise<ApiKeyView | null> => {
    const row = await database.withAuth((tx) => findApiKey(tx, hash));
    if (!row || row.revokedAt !== null) return null;
    return row.expiresAt !== null && row.expiresAt.getTime() <= clock.now() ? null : row;
  };

  return {
    onEnded: ended.onEnded,
    async create(grant, ownerId, { name, scopes, expiresInDays }) {
      assertGrant(grant, 'key:write');
      const now = clock.now();
      const secret = `e2b_${randomBytes(20).toString('hex')}`;
      const key = await database.withTenant(grant.scope, (tx) =>
        createApiKey(tx, {
          id: randomId(),
          ownerId,
          name,
          prefix: secret.slice(0, shownCharacters),
          hash: hashToken(secret),
          scopes: [...scopes],
          createdAt: new Date(now),
          expiresAt: expiresInDays === undefined ? null : new Date(now + expiresInDays * 86_400_000),
        }),
      );
      if (!key) throw new CasemateError('internal');
      await audit.record({
        ...auditContext(grant),
        event: 'key.created',
        outcome: 'success',
        fields: { keyId: key.id, name, scopes: scopes.join(' ') },
      });
      return { key, secret };
    },
    async list(grant, query) {
      assertGrant(grant, 'key:write');
      return database.withTenant(grant.scope, (tx) => listApiKeys(tx, query));
    },
    async revoke(grant, keyId) {
      assertGrant(grant, 'key:write');
      const key = await database.withTenant(grant.scope, (tx) => revokeApiKey(tx, keyId, new Date(clock.now())));
      if (!key) throw new CasemateError('not_found', 'There is no such key, or it was revoked before');
      ended.emit([key.id]);
      await audit.record({
        ...auditContext(grant),
        event: 'key.revoked',
        outcome: 'success',
        fields: { keyId: key.id, name: key.name },
      });
      return key;
    },
    async recognise(secret) {
      if (!apiKeyPattern.test(secret)) return null;
      const row = await findLive(hashToken(secret));
      if (!row) return null;
      const now = clock.now();
      if (now - (touchedAt.get(row.id) ?? 0) >= touchEveryMs) {
        touchedAt.set(row.id, now);
        await database.withAuth((tx) => touchApiKey(tx, row.id, new Date(now)));
      }
      return mintActor<KeyActor>({
        kind: 'key',
        keyId: row.id,
        userId: row.ownerId,
        teamId: row.teamId,
        scopes: [...row.scopes],
      });
    },
    isLive: async (keyHash) => (await findLive(keyHash)) !== null,
  };
}
