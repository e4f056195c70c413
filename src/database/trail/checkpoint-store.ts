import { asc, desc, eq } from 'drizzle-orm';
import { auditCheckpoints } from '#database/schema/trail.ts';
import type { JobTransaction } from '#database/transaction.ts';

export type CheckpointRow = typeof auditCheckpoints.$inferSelect;

/** Adds a signed head; one that is there already stays. */
export async function addCheckpoint(tx: JobTransaction<'audit'>, row: CheckpointRow): Promise<void> {
  await tx.insert(auditCheckpoints).values(row).onConflictDoNothing();
}

/** The last one of each chain. */
export async function listNewestCheckpoints(tx: JobTransaction<'audit'>): Promise<readonly CheckpointRow[]> {
  return tx
    .selectDistinctOn([auditCheckpoints.chain])
    .from(auditCheckpoints)
    .orderBy(auditCheckpoints.chain, desc(auditCheckpoints.sequence));
}

/** All of one chain, in its order. */
export async function listChainCheckpoints(
  tx: JobTransaction<'audit'>,
  chain: string,
): Promise<readonly CheckpointRow[]> {
  return tx
    .select()
    .from(auditCheckpoints)
    .where(eq(auditCheckpoints.chain, chain))
    .orderBy(asc(auditCheckpoints.sequence));
}
