import { and, asc, count, eq, getTableColumns, inArray, ne } from 'drizzle-orm';
import type { SandboxId, TerminalId, WorkspaceId } from '#base/ids.ts';
import { afterCursor, newestFirst, toPage, type Page, type PageQuery } from '#database/page.ts';
import { terminals } from '#database/schema/workspaces.ts';
import type { JobTransaction, TenantTransaction } from '#database/transaction.ts';

export type TerminalRow = typeof terminals.$inferSelect;
/** Without the sealed private key of its recording. */
export type TerminalView = Omit<TerminalRow, 'recordingPrivateKey'>;
export type NewTerminal = Omit<typeof terminals.$inferInsert, 'teamId' | 'endedAt' | 'exitCode' | 'signal'>;
export type TerminalChange = Partial<
  Pick<TerminalRow, 'title' | 'columns' | 'rows' | 'state' | 'exitCode' | 'signal' | 'endedAt'>
>;

const { recordingPrivateKey: _sealed, ...view } = getTableColumns(terminals);

export async function createTerminal(tx: TenantTransaction, terminal: NewTerminal): Promise<TerminalView | undefined> {
  const [row] = await tx.insert(terminals).values(terminal).returning(view);
  return row;
}

export async function findTerminal(tx: TenantTransaction, terminalId: TerminalId): Promise<TerminalView | undefined> {
  const [row] = await tx.select(view).from(terminals).where(eq(terminals.id, terminalId));
  return row;
}

/** With the sealed private key of its recording, to be opened by the vault. */
export async function findTerminalRecording(
  tx: TenantTransaction,
  terminalId: TerminalId,
): Promise<Pick<TerminalRow, 'id' | 'recordingPublicKey' | 'recordingPrivateKey'> | undefined> {
  const [row] = await tx
    .select({
      id: terminals.id,
      recordingPublicKey: terminals.recordingPublicKey,
      recordingPrivateKey: terminals.recordingPrivateKey,
    })
    .from(terminals)
    .where(eq(terminals.id, terminalId));
  return row;
}

/** A workspace's terminals, the newest first. */
export async function listTerminals(
  tx: TenantTransaction,
  workspaceId: WorkspaceId,
  query: PageQuery,
): Promise<Page<TerminalView>> {
  const rows = await tx
    .select(view)
    .from(terminals)
    .where(and(eq(terminals.workspaceId, workspaceId), afterCursor(terminals, query.cursor)))
    .orderBy(...newestFirst(terminals))
    .limit(query.limit + 1);
  return toPage(rows, query.limit);
}

/** How many terminals of each workspace have not ended. Workspaces without any are left out. */
export async function countLiveTerminals(
  tx: TenantTransaction,
  workspaceIds: readonly WorkspaceId[],
): Promise<ReadonlyMap<WorkspaceId, number>> {
  const rows = await tx
    .select({ workspaceId: terminals.workspaceId, total: count() })
    .from(terminals)
    .where(and(inArray(terminals.workspaceId, [...workspaceIds]), ne(terminals.state, 'ended')))
    .groupBy(terminals.workspaceId);
  return new Map(rows.flatMap((row) => (row.workspaceId === null ? [] : [[row.workspaceId, row.total] as const])));
}

/** Those of a sandbox that have not ended, the oldest first. */
export async function listSandboxTerminals(
  tx: TenantTransaction,
  sandboxId: SandboxId,
): Promise<readonly TerminalView[]> {
  return tx
    .select(view)
    .from(terminals)
    .where(and(eq(terminals.sandboxId, sandboxId), ne(terminals.state, 'ended')))
    .orderBy(asc(terminals.createdAt), asc(terminals.id));
}

/** Changes a terminal that has not ended; undefined when there is none. */
export async function updateTerminal(
  tx: TenantTransaction,
  terminalId: TerminalId,
  change: TerminalChange,
): Promise<TerminalView | undefined> {
  const [row] = await tx
    .update(terminals)
    .set(change)
    .where(and(eq(terminals.id, terminalId), ne(terminals.state, 'ended')))
    .returning(view);
  return row;
}

/** All that have not ended, in all teams: compared with what keeper and warden have. */
export async function listAllLiveTerminals(tx: JobTransaction<'lifecycle'>): Promise<readonly TerminalView[]> {
  return tx.select(view).from(terminals).where(ne(terminals.state, 'ended'));
}

/** Whose it is: for events of the warden, which know the id only. */
export async function findAnyTerminal(
  tx: JobTransaction<'lifecycle'>,
  terminalId: TerminalId,
): Promise<TerminalView | undefined> {
  const [row] = await tx.select(view).from(terminals).where(eq(terminals.id, terminalId));
  return row;
}
