import { parseId, type TeamId } from '#base/ids.ts';
import type { JournalRecord } from '#contract/journal.ts';
import type { AuditEntry } from '#audit/audit.ts';
import type { CommandAnnouncer } from '#audit/announce-commands.ts';
import { originOf } from '#audit/journal-entry.ts';
import type { Database } from '#database/database.ts';
import { findAnnouncedCommands } from '#database/trail/command-store.ts';

/** What the journal of the warden says, held against what the server announced. */
export interface MatchedCommands {
  /** Announcements that were found, to be forgotten once the records are in the trail. */
  readonly found: readonly string[];
  /** Records of commands that the server did not give. */
  readonly orphans: readonly JournalRecord[];
}

export interface MatchCommands {
  /** Answers for records of the warden's journal, all of which are commands. Writes nothing. */
  match(records: readonly JournalRecord[]): Promise<MatchedCommands>;
  /** What was found is in the trail, and its announcements are gone from the database. */
  settled(found: readonly string[]): void;
}

export function createMatchCommands(of: {
  readonly database: Database;
  readonly announcer: Pick<CommandAnnouncer, 'given' | 'settled'>;
}): MatchCommands {
  return {
    async match(records) {
      const idOf = ({ data }: JournalRecord): string | undefined => parseId<string>(data['commandId']);
      const ids = records.flatMap((record) => idOf(record) ?? []);
      // First what is remembered: what is written meanwhile is in one of the two.
      const given = ids.flatMap((id) => of.announcer.given(id) ?? []);
      const rows = ids.length === 0 ? [] : await of.database.withJob('ingest', (tx) => findAnnouncedCommands(tx, ids));
      const announced = new Map([...given, ...rows].map((command) => [command.id, command]));
      const found: string[] = [];
      const orphans: JournalRecord[] = [];
      for (const record of records) {
        const id = idOf(record);
        const command = id === undefined ? undefined : announced.get(id);
        if (id !== undefined && command?.kind === record.kind && command.teamId === record.data['teamId']) {
          // An id is good for one command: whoever sends it again did not announce that.
          announced.delete(id);
          found.push(id);
        } else orphans.push(record);
      }
      return { found, orphans };
    },
    settled: (found) => of.announcer.settled(found),
  };
}

/** The event of a command that the server did not give. */
export function toOrphanAlert(process: string, record: JournalRecord): AuditEntry<'alert.command'> {
  const { kind, sequence, data } = record;
  const sandboxId = data['sandboxId'];
  return {
    event: 'alert.command',
    chain: parseId<TeamId>(data['teamId']) ?? 'instance',
    actor: { kind: 'system', process },
    outcome: 'failed',
    requestId: null,
    address: null,
    origin: `alert-${originOf(process, record)}`,
    fields: { kind, sandboxId: parseId<string>(sandboxId) ?? null, sequence },
  };
}
