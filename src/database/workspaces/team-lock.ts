import { sql } from 'drizzle-orm';
import type { TenantTransaction } from '#database/transaction.ts';

/** What the transactions of one team take turns at: counting against a limit, or writing in two places. */
export type TeamTurn = 'workspaces' | 'sandboxes' | 'terminals' | 'secrets';

/** Waits until no other transaction of the team has this turn, and keeps it until the transaction ends. */
export async function takeTeamTurn(tx: TenantTransaction, turn: TeamTurn): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${turn}::text || ' ' || current_team_id(), 0))`);
}
