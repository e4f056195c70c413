import { inArray, lte, sql } from 'drizzle-orm';
import { announcedCommands } from '#database/schema/trail.ts';
import type { JobTransaction } from '#database/transaction.ts';

export type AnnouncedCommand = Omit<typeof announcedCommands.$inferSelect, 'announcedAt'>;

/**
 * Puts commands on record before they are given. Whoever gives them waits for the commit and not for
 * the disk: they tell commands of this server from others', and a power cut ends both.
 */
export async function announceCommands(
  tx: JobTransaction<'audit'>,
  commands: readonly AnnouncedCommand[],
): Promise<void> {
  await tx.execute(sql`set local synchronous_commit = off`);
  await tx
    .insert(announcedCommands)
    .values(commands.map((command) => ({ ...command, announcedAt: sql`now()` })))
    .onConflictDoNothing();
}

/** Those of these that were announced and not yet found in the warden's journal. */
export async function findAnnouncedCommands(
  tx: JobTransaction<'ingest'>,
  ids: readonly string[],
): Promise<readonly AnnouncedCommand[]> {
  return tx
    .select({ id: announcedCommands.id, kind: announcedCommands.kind, teamId: announcedCommands.teamId })
    .from(announcedCommands)
    .where(inArray(announcedCommands.id, [...ids]));
}

/** Each is good for one record of the journal. */
export async function forgetAnnouncedCommands(tx: JobTransaction<'ingest'>, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await tx.delete(announcedCommands).where(inArray(announcedCommands.id, [...ids]));
}

/** Those that were announced and, as it seems, never given. */
export async function purgeAnnouncedCommands(tx: JobTransaction<'purge'>, before: Date): Promise<void> {
  await tx.delete(announcedCommands).where(lte(announcedCommands.announcedAt, before));
}
