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

/** Answers for records of the warden's journal, all of which are commands. Writes nothing. */
export type MatchCommands = (records: readonly JournalRecord[]) => Promise<MatchedCommands>;

export function createMatchCommands(of: {
  readonly database: Database;
  readonly announcer: Pick<CommandAnnouncer, 'isPending'>;
}): MatchCommands {
  return async (records) => {
    const idOf = ({ data }: JournalRecord): string | undefined => parseId<string>(data['commandId']);
    const ids = records.flatMap((record) => idOf(record) ?? []);
    // First what is pending: what is written meanwhile is in one of the two.
    const pending = new Set(ids.filter((id) => of.announcer.isPending(id)));
    const rows = ids.length === 0 ? [] : await of.database.withJob('ingest', (tx) => findAnnouncedCommands(tx, ids));
    const announced = new Map(rows.map((row) => [row.id, row]));
    const found: string[] = [];
    const orphans: JournalRecord[] = [];
    for (const record of records) {
      const id = idOf(record);
      const row = id === undefined ? undefined : announced.get(id);
      const matches = row?.kind === record.kind && row.teamId === record.data['teamId'];
      if (id !== undefined && (matches || pending.has(id))) {
        // An id is good for one command: whoever sends it again did not announce that.
        announced.delete(id);
        pending.delete(id);
        found.push(id);
      } else orphans.push(record);
    }
    return { found, orphans };
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
