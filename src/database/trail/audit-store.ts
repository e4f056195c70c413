import { and, asc, desc, eq, gt, inArray, lt } from 'drizzle-orm';
import { auditEvents, auditHeads } from '#database/schema/trail.ts';
import type { JobTransaction, TenantTransaction } from '#database/transaction.ts';

export type AuditRow = typeof auditEvents.$inferSelect;
export type AuditHead = typeof auditHeads.$inferSelect;

/** The head of a chain, locked until the transaction ends, so that writers take turns; made when missing. */
export async function lockAuditHead(tx: JobTransaction<'audit'>, genesis: AuditHead): Promise<AuditHead> {
  await tx.insert(auditHeads).values(genesis).onConflictDoNothing();
  const [head] = await tx.select().from(auditHeads).where(eq(auditHeads.chain, genesis.chain)).for('update');
  return head ?? genesis;
}

/** Which of these origins the chain has already. */
export async function findAuditOrigins(
  tx: JobTransaction<'audit'>,
  chain: string,
  origins: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx
    .select({ origin: auditEvents.origin })
    .from(auditEvents)
    .where(and(eq(auditEvents.chain, chain), inArray(auditEvents.origin, [...origins])));
  return new Set(rows.flatMap((row) => (row.origin === null ? [] : [row.origin])));
}

export async function addAuditEvents(tx: JobTransaction<'audit'>, rows: readonly AuditRow[]): Promise<void> {
  await tx.insert(auditEvents).values([...rows]);
}

export async function moveAuditHead(tx: JobTransaction<'audit'>, head: AuditHead): Promise<void> {
  await tx.update(auditHeads).set({ sequence: head.sequence, hash: head.hash }).where(eq(auditHeads.chain, head.chain));
}

export async function listAuditHeads(tx: JobTransaction<'audit'>): Promise<readonly AuditHead[]> {
  return tx.select().from(auditHeads).orderBy(asc(auditHeads.chain));
}

/** A chain's rows after `after`, in its order. */
export async function listAuditChain(
  tx: JobTransaction<'audit'>,
  chain: string,
  after: number,
  limit: number,
): Promise<readonly AuditRow[]> {
  return tx
    .select()
    .from(auditEvents)
    .where(and(eq(auditEvents.chain, chain), gt(auditEvents.sequence, after)))
    .orderBy(asc(auditEvents.sequence))
    .limit(limit);
}

/** The team's own rows, newest first, before `before`. */
export async function listTeamAuditEvents(
  tx: TenantTransaction,
  query: { readonly before: number | undefined; readonly event: string | undefined; readonly limit: number },
): Promise<readonly AuditRow[]> {
  return tx
    .select()
    .from(auditEvents)
    .where(
      and(
        query.before === undefined ? undefined : lt(auditEvents.sequence, query.before),
        query.event === undefined ? undefined : eq(auditEvents.event, query.event),
      ),
    )
    .orderBy(desc(auditEvents.sequence))
    .limit(query.limit);
}
