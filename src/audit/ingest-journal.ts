import { setTimeout as wait } from 'node:timers/promises';
import type { JournalRecord } from '#contract/journal.ts';
import type { Audit, AuditEntry } from '#audit/audit.ts';
import { followDefect, journalStart, type JournalDefect, type JournalPosition } from '#audit/journal-chain.ts';
import { toAuditEntry, toEgressRow } from '#audit/journal-entry.ts';
import { type MatchCommands, toOrphanAlert } from '#audit/match-commands.ts';
import type { JournalStore } from '#audit/journal-store.ts';
import type { EgressRow } from '#database/trail/egress-store.ts';

/** The method `journal.read` of a process; rejects while the process cannot be reached. */
export type ReadJournal = (
  request: { readonly after: number; readonly limit: number; readonly waitMs: number },
  signal: AbortSignal,
) => Promise<{ readonly first: number; readonly records: readonly JournalRecord[] }>;

export interface IngestLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface IngestOptions {
  /** Name of the process, for actor, cursor and events. */
  readonly process: 'broker' | 'keeper' | 'warden';
  readonly read: ReadJournal;
  readonly store: JournalStore;
  readonly audit: Pick<Audit, 'record'>;
  readonly log: IngestLog;
  /** Of the warden: holds its records against what was announced. */
  readonly commands?: MatchCommands;
  /** Something that only an attack or a defect explains; it is on record already. */
  readonly onAlert?: (text: string) => void;
  /** Hears each egress record once it is in the database: for the strips of open workspaces. */
  readonly onEgress?: (row: EgressRow) => void;
}

const batch = 500;
const waitMs = 20_000;
const firstPauseMs = 250;
const longestPauseMs = 15_000;

/**
 * Takes a journal over until it is stopped (H8). What is in the trail is acknowledged to the
 * process only afterwards, and each record is known by its origin, so that a crash anywhere neither
 * loses nor repeats one. A gap, and a record that does not follow, become events of their own.
 */
export function ingestJournal(options: IngestOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const done = run(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function run(options: IngestOptions, signal: AbortSignal): Promise<void> {
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    try {
      let position = await resume(options, signal);
      for (;;) {
        position = await takeBatch(options, position, signal);
        pauseMs = firstPauseMs;
        if (signal.aborted) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      options.log.warn({ err: error, process: options.process, pauseMs }, 'a journal cannot be taken over just now');
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
}

/**
 * Where to go on. The newest record that was taken over is read again: when the journal has another
 * one in its place, or none, it was replaced, and is taken over from its beginning.
 */
async function resume(options: IngestOptions, signal: AbortSignal): Promise<JournalPosition> {
  const position = (await options.store.load(options.process)) ?? journalStart;
  if (position.sequence === 0) return position;
  const { records } = await options.read({ after: position.sequence - 1, limit: 1, waitMs: 0 }, signal);
  const [again] = records;
  const replaced = !again || (again.sequence === position.sequence && again.hash !== position.hash);
  if (!replaced) return position;
  await report(options, { kind: 'broken', sequence: position.sequence }, `replaced-${position.hash.slice(0, 16)}`);
  await options.store.save(options.process, journalStart, []);
  return journalStart;
}

async function takeBatch(options: IngestOptions, from: JournalPosition, signal: AbortSignal): Promise<JournalPosition> {
  const { records } = await options.read({ after: from.sequence, limit: batch, waitMs }, signal);
  if (records.length === 0) return from;
  let position = from;
  const writes: Promise<void>[] = [];
  const egress: EgressRow[] = [];
  const matched = await options.commands?.match(records);
  for (const orphan of matched?.orphans ?? []) writes.push(raise(options, orphan));
  for (const record of records) {
    const defect = followDefect(position, record);
    if (defect) writes.push(report(options, defect, record.hash.slice(0, 16)));
    // A record that was altered is taken over all the same: it is evidence, and its event says what it is worth.
    const entry = toAuditEntry(options.process, record);
    if (entry) writes.push(options.audit.record(entry));
    const row = toEgressRow(options.process, record);
    if (row) egress.push(row);
    position = { sequence: Math.max(record.sequence, position.sequence), hash: record.hash };
  }
  await Promise.all(writes);
  const added = await options.store.save(options.process, position, egress, matched?.found);
  options.commands?.settled(matched?.found ?? []);
  for (const row of added) notify(options, row);
  return position;
}

async function raise(options: IngestOptions, orphan: JournalRecord): Promise<void> {
  const { process, log } = options;
  const alert = toOrphanAlert(process, orphan);
  log.error(
    { security: alert.event, process, ...alert.fields },
    'a command of the warden is on no record of this server',
  );
  await options.audit.record(alert);
  options.onAlert?.(`the ${process} was made to carry out ${alert.fields.kind} by somebody other than the server`);
}

function notify(options: IngestOptions, row: EgressRow): void {
  try {
    options.onEgress?.(row);
  } catch (error) {
    options.log.error({ err: error }, 'a listener for egress failed');
  }
}

async function report(options: IngestOptions, defect: JournalDefect, at: string): Promise<void> {
  const { process, log } = options;
  log.error({ process, ...defect }, 'a journal is not whole');
  const common = {
    chain: 'instance',
    actor: { kind: 'system', process: 'server' },
    outcome: 'failed',
    requestId: null,
    address: null,
    origin: `${process}-${defect.kind}-${at}`,
  } as const;
  const entry: AuditEntry =
    defect.kind === 'gap'
      ? { ...common, event: 'journal.gap', fields: { process, expected: defect.expected, found: defect.found } }
      : { ...common, event: 'journal.broken', fields: { process, sequence: defect.sequence } };
  await options.audit.record(entry);
}
