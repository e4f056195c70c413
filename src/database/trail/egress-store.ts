import { and, desc, eq, lt } from 'drizzle-orm';
import type { WorkspaceId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Page, PageQuery } from '#database/page.ts';
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

/** What left a workspace and what was refused, the newest first. The cursor is a sequence of the journal. */
export async function listEgressEvents(
  tx: TenantTransaction,
  workspaceId: WorkspaceId,
  query: PageQuery,
): Promise<Page<EgressRow>> {
  if (query.cursor !== undefined && !/^\d{1,15}$/.test(query.cursor)) {
    throw new CasemateError('invalid_request', 'The cursor is not one of this list');
  }
  const rows = await tx
    .select()
    .from(egressEvents)
    .where(
      and(
        eq(egressEvents.workspaceId, workspaceId),
        query.cursor === undefined ? undefined : lt(egressEvents.sequence, Number(query.cursor)),
      ),
    )
    .orderBy(desc(egressEvents.sequence))
    .limit(query.limit + 1);
  const items = rows.slice(0, query.limit);
  return { items, cursor: rows.length > query.limit ? String(items.at(-1)?.sequence) : null };
}
