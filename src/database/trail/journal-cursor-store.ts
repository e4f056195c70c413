import { eq } from 'drizzle-orm';
import { journalCursors } from '#database/schema/trail.ts';
import type { JobTransaction } from '#database/transaction.ts';

export interface JournalCursor {
  /** 0 before the first record. */
  readonly sequence: number;
  /** Hash of that record, hex. */
  readonly hash: string;
}

/** How far a process's journal was ingested; undefined before the first record. */
export async function findJournalCursor(
  tx: JobTransaction<'ingest'>,
  process: string,
): Promise<JournalCursor | undefined> {
  const [row] = await tx
    .select({ sequence: journalCursors.sequence, hash: journalCursors.hash })
    .from(journalCursors)
    .where(eq(journalCursors.process, process));
  return row;
}

export async function putJournalCursor(
  tx: JobTransaction<'ingest'>,
  process: string,
  cursor: JournalCursor,
): Promise<void> {
  await tx
    .insert(journalCursors)
    .values({ process, ...cursor })
    .onConflictDoUpdate({ target: journalCursors.process, set: { sequence: cursor.sequence, hash: cursor.hash } });
}
