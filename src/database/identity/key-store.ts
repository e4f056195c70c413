import { and, eq, isNull, sql } from 'drizzle-orm';
import { afterCursor, newestFirst, toPage, type Page, type PageQuery } from '#database/page.ts';
import { apiKeys } from '#database/schema/identity.ts';
import type { AuthTransaction, TenantTransaction } from '#database/transaction.ts';

export type ApiKeyRow = typeof apiKeys.$inferSelect;
export type ApiKeyView = Omit<ApiKeyRow, 'hash'>;
export type NewApiKey = Omit<typeof apiKeys.$inferInsert, 'teamId' | 'revokedAt' | 'lastUsedAt'>;

const view = {
  id: apiKeys.id,
  teamId: apiKeys.teamId,
  ownerId: apiKeys.ownerId,
  name: apiKeys.name,
  prefix: apiKeys.prefix,
  scopes: apiKeys.scopes,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  revokedAt: apiKeys.revokedAt,
  lastUsedAt: apiKeys.lastUsedAt,
};

export async function createApiKey(tx: TenantTransaction, key: NewApiKey): Promise<ApiKeyView | undefined> {
  const [row] = await tx.insert(apiKeys).values(key).returning(view);
  return row;
}

/** By SHA-256 of the key; revoked and expired ones too, so that the caller can say which. */
export async function findApiKey(tx: AuthTransaction, hash: Buffer): Promise<ApiKeyView | undefined> {
  const [row] = await tx.select(view).from(apiKeys).where(eq(apiKeys.hash, hash));
  return row;
}

/** Notes that a key was used; never moves back. */
export async function touchApiKey(tx: AuthTransaction, keyId: string, now: Date): Promise<void> {
  await tx
    .update(apiKeys)
    .set({ lastUsedAt: sql`greatest(${apiKeys.lastUsedAt}, ${now.toISOString()}::timestamptz)` })
    .where(eq(apiKeys.id, keyId));
}

/** The team's keys, the newest first; expired and revoked ones stay. */
export async function listApiKeys(tx: TenantTransaction, query: PageQuery): Promise<Page<ApiKeyView>> {
  const rows = await tx
    .select(view)
    .from(apiKeys)
    .where(afterCursor(apiKeys, query.cursor))
    .orderBy(...newestFirst(apiKeys))
    .limit(query.limit + 1);
  return toPage(rows, query.limit);
}

/** Ends a key for good; undefined when there is none, or it was revoked before. */
export async function revokeApiKey(tx: TenantTransaction, keyId: string, now: Date): Promise<ApiKeyView | undefined> {
  const [row] = await tx
    .update(apiKeys)
    .set({ revokedAt: now })
    .where(and(eq(apiKeys.id, keyId), isNull(apiKeys.revokedAt)))
    .returning(view);
  return row;
}
