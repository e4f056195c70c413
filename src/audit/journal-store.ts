import type { JournalPosition } from '#audit/journal-chain.ts';
import type { Database } from '#database/database.ts';
import { forgetAnnouncedCommands } from '#database/trail/command-store.ts';
import { addEgressEvents, type EgressRow } from '#database/trail/egress-store.ts';
import { findJournalCursor, putJournalCursor } from '#database/trail/journal-cursor-store.ts';

/** Where the ingestion of journals keeps how far it came, and what it found for the strips. */
export interface JournalStore {
  load(process: string): Promise<JournalPosition | undefined>;
  /** In one transaction, with the commands that were found; answers with those rows that were not there. */
  save(
    process: string,
    position: JournalPosition,
    egress: readonly EgressRow[],
    commands?: readonly string[],
  ): Promise<readonly EgressRow[]>;
}

export function createJournalStore(database: Database): JournalStore {
  return {
    load: (process) => database.withJob('ingest', (tx) => findJournalCursor(tx, process)),
    save: (process, position, egress, commands = []) =>
      database.withJob('ingest', async (tx) => {
        const added = await addEgressEvents(tx, egress);
        await forgetAnnouncedCommands(tx, commands);
        await putJournalCursor(tx, process, { sequence: position.sequence, hash: position.hash });
        return added;
      }),
  };
}
