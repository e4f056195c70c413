import { and, eq } from 'drizzle-orm';
import type { WorkspaceId } from '#base/ids.ts';
import { afterCursor, newestFirst, toPage, type Page, type PageQuery } from '#database/page.ts';
import { egressEvents } from '#database/schema/trail.ts';
import type { JobTransaction, TenantTransaction } from '#database/transaction.ts';

export type EgressRow = typeof egressEvents.$inferSelect;

/** Adds events of the broker's journal; those that are there already are left out of the answer. */
export async function addEgressEvents(
  tx: JobTransaction<'ingest'>,
  events: readonly EgressRow[],
): Promise<readonly EgressRow[]> {
  if (events.length === 0) return [];
  return tx
    .insert(egressEvents)
    .values([...events])
    .onConflictDoNothing()
    .returning();
}

/** What left a workspace and what was refused, the newest first. */
export async function listEgressEvents(
  tx: TenantTransaction,
  workspaceId: WorkspaceId,
  query: PageQuery,
): Promise<Page<EgressRow>> {
  const key = { createdAt: egressEvents.time, id: egressEvents.id };
  const rows = await tx
    .select()
    .from(egressEvents)
    .where(and(eq(egressEvents.workspaceId, workspaceId), afterCursor(key, query.cursor)))
    .orderBy(...newestFirst(key))
    .limit(query.limit + 1);
  return toPage(rows, query.limit, (row) => ({ createdAt: row.time, id: row.id }));
}
