import { and, count, eq, isNotNull, isNull, lte, ne } from 'drizzle-orm';
import type { TeamId, WorkspaceId } from '#base/ids.ts';
import { afterCursor, newestFirst, toPage, type Page, type PageQuery } from '#database/page.ts';
import { workspaces } from '#database/schema/workspaces.ts';
import type { JobTransaction, TenantTransaction } from '#database/transaction.ts';

export type WorkspaceRow = typeof workspaces.$inferSelect;
export type NewWorkspace = Omit<typeof workspaces.$inferInsert, 'teamId' | 'deletedAt' | 'purgeAt'>;
export type WorkspaceChange = Partial<
  Pick<
    WorkspaceRow,
    | 'name'
    | 'description'
    | 'state'
    | 'failure'
    | 'gitUrl'
    | 'gitBranch'
    | 'policy'
    | 'policyPreset'
    | 'lastUsedAt'
    | 'deletedAt'
    | 'purgeAt'
  >
>;

export async function createWorkspace(
  tx: TenantTransaction,
  workspace: NewWorkspace,
): Promise<WorkspaceRow | undefined> {
  const [row] = await tx.insert(workspaces).values(workspace).returning();
  return row;
}

/** Deleted ones too, while they can be restored. */
export async function findWorkspace(
  tx: TenantTransaction,
  workspaceId: WorkspaceId,
): Promise<WorkspaceRow | undefined> {
  const [row] = await tx.select().from(workspaces).where(eq(workspaces.id, workspaceId));
  return row;
}

/** The same, locked until the transaction ends: for changes that depend on what stands. */
export async function lockWorkspace(
  tx: TenantTransaction,
  workspaceId: WorkspaceId,
): Promise<WorkspaceRow | undefined> {
  const [row] = await tx.select().from(workspaces).where(eq(workspaces.id, workspaceId)).for('update');
  return row;
}

/** The team's workspaces, the newest first: those that stand, or those that can be restored. */
export async function listWorkspaces(
  tx: TenantTransaction,
  query: PageQuery & { readonly deleted?: boolean },
): Promise<Page<WorkspaceRow>> {
  const rows = await tx
    .select()
    .from(workspaces)
    .where(
      and(
        query.deleted ? isNotNull(workspaces.deletedAt) : isNull(workspaces.deletedAt),
        afterCursor(workspaces, query.cursor),
      ),
    )
    .orderBy(...newestFirst(workspaces))
    .limit(query.limit + 1);
  return toPage(rows, query.limit);
}

/** How many stand, for the team's limit. */
export async function countWorkspaces(tx: TenantTransaction): Promise<number> {
  const [row] = await tx.select({ total: count() }).from(workspaces).where(isNull(workspaces.deletedAt));
  return row?.total ?? 0;
}

/** Changes what is named; undefined when there is no such workspace. */
export async function updateWorkspace(
  tx: TenantTransaction,
  workspaceId: WorkspaceId,
  change: WorkspaceChange,
): Promise<WorkspaceRow | undefined> {
  const [row] = await tx.update(workspaces).set(change).where(eq(workspaces.id, workspaceId)).returning();
  return row;
}

/** Removes the row for good, once its disk is gone. */
export async function deleteWorkspace(tx: TenantTransaction, workspaceId: WorkspaceId): Promise<boolean> {
  const rows = await tx.delete(workspaces).where(eq(workspaces.id, workspaceId)).returning({ id: workspaces.id });
  return rows.length > 0;
}

/** Whose time to be restored is over, in all teams. */
export async function listPurgeableWorkspaces(
  tx: JobTransaction<'lifecycle'>,
  now: Date,
): Promise<readonly { readonly id: WorkspaceId; readonly teamId: TeamId }[]> {
  return tx
    .select({ id: workspaces.id, teamId: workspaces.teamId })
    .from(workspaces)
    .where(and(isNotNull(workspaces.purgeAt), lte(workspaces.purgeAt, now)))
    .limit(100);
}

/** Those that an earlier server left in the middle of being made, in all teams. */
export async function listUnfinishedWorkspaces(
  tx: JobTransaction<'lifecycle'>,
): Promise<readonly { readonly id: WorkspaceId; readonly teamId: TeamId }[]> {
  return tx
    .select({ id: workspaces.id, teamId: workspaces.teamId })
    .from(workspaces)
    .where(and(isNull(workspaces.deletedAt), ne(workspaces.state, 'ready'), ne(workspaces.state, 'failed')));
}
