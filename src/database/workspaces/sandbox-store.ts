import { and, count, desc, eq, inArray, ne } from 'drizzle-orm';
import type { SandboxId, WorkspaceId } from '#base/ids.ts';
import { afterCursor, newestFirst, toPage, type Page, type PageQuery } from '#database/page.ts';
import { sandboxes } from '#database/schema/workspaces.ts';
import type { JobTransaction, TenantTransaction } from '#database/transaction.ts';

export type SandboxRow = typeof sandboxes.$inferSelect;
export type NewSandbox = Omit<typeof sandboxes.$inferInsert, 'teamId' | 'endedAt' | 'endReason'>;
export type SandboxChange = Partial<Pick<SandboxRow, 'state' | 'startedAt' | 'endedAt' | 'endReason'>>;

/** Adds a sandbox; undefined when its workspace has one already (one sandbox per workspace). */
export async function createSandbox(tx: TenantTransaction, sandbox: NewSandbox): Promise<SandboxRow | undefined> {
  const [row] = await tx.insert(sandboxes).values(sandbox).onConflictDoNothing().returning();
  return row;
}

export async function findSandbox(tx: TenantTransaction, sandboxId: SandboxId): Promise<SandboxRow | undefined> {
  const [row] = await tx.select().from(sandboxes).where(eq(sandboxes.id, sandboxId));
  return row;
}

/** The one that is not stopped, if there is one. */
export async function findWorkspaceSandbox(
  tx: TenantTransaction,
  workspaceId: WorkspaceId,
): Promise<SandboxRow | undefined> {
  const [row] = await tx
    .select()
    .from(sandboxes)
    .where(and(eq(sandboxes.workspaceId, workspaceId), ne(sandboxes.state, 'stopped')))
    .orderBy(desc(sandboxes.createdAt))
    .limit(1);
  return row;
}

/** Those of several workspaces that are not stopped: for a page of workspaces in one query. */
export async function listWorkspaceSandboxes(
  tx: TenantTransaction,
  workspaceIds: readonly WorkspaceId[],
): Promise<readonly SandboxRow[]> {
  return tx
    .select()
    .from(sandboxes)
    .where(and(inArray(sandboxes.workspaceId, [...workspaceIds]), ne(sandboxes.state, 'stopped')));
}

/** The team's sandboxes, the newest first. */
export async function listSandboxes(
  tx: TenantTransaction,
  query: PageQuery & { readonly live?: boolean },
): Promise<Page<SandboxRow>> {
  const rows = await tx
    .select()
    .from(sandboxes)
    .where(and(query.live ? ne(sandboxes.state, 'stopped') : undefined, afterCursor(sandboxes, query.cursor)))
    .orderBy(...newestFirst(sandboxes))
    .limit(query.limit + 1);
  return toPage(rows, query.limit);
}

/** How many are not stopped, for the team's limit. */
export async function countLiveSandboxes(tx: TenantTransaction): Promise<number> {
  const [row] = await tx.select({ total: count() }).from(sandboxes).where(ne(sandboxes.state, 'stopped'));
  return row?.total ?? 0;
}

/** Changes a sandbox that is not stopped; undefined when there is none. */
export async function updateSandbox(
  tx: TenantTransaction,
  sandboxId: SandboxId,
  change: SandboxChange,
): Promise<SandboxRow | undefined> {
  const [row] = await tx
    .update(sandboxes)
    .set(change)
    .where(and(eq(sandboxes.id, sandboxId), ne(sandboxes.state, 'stopped')))
    .returning();
  return row;
}

/** All that should be running, in all teams: compared with what the warden has. */
export async function listAllLiveSandboxes(tx: JobTransaction<'lifecycle'>): Promise<readonly SandboxRow[]> {
  return tx.select().from(sandboxes).where(ne(sandboxes.state, 'stopped'));
}

/** Whose it is: for events of the warden, which know the id only. */
export async function findAnySandbox(
  tx: JobTransaction<'lifecycle'>,
  sandboxId: SandboxId,
): Promise<SandboxRow | undefined> {
  const [row] = await tx.select().from(sandboxes).where(eq(sandboxes.id, sandboxId));
  return row;
}
