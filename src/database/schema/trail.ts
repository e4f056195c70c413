import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import type { SandboxId, TeamId, WorkspaceId } from '#base/ids.ts';
import type { AuditActor } from '#contract/audit.ts';
import { bytes, moment } from '#database/schema/columns.ts';

/** What left a sandbox and what was refused, from the broker's journal. */
export const egressEvents = pgTable(
  'egress_events',
  {
    /** `broker-<sequence in its journal>-<its hash>`: taking a record over twice writes it once. */
    id: text('id').primaryKey(),
    teamId: text('team_id').$type<TeamId>().notNull(),
    sandboxId: text('sandbox_id').$type<SandboxId>().notNull(),
    workspaceId: text('workspace_id').$type<WorkspaceId>(),
    time: moment('time').notNull(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    allowed: boolean('allowed').notNull(),
    method: text('method').notNull(),
    host: text('host').notNull(),
    port: integer('port').notNull(),
    reason: text('reason').notNull(),
    credential: text('credential'),
  },
  (table) => [index('egress_events_page').on(table.teamId, table.workspaceId, table.time, table.id)],
);

/** How far each process's journal was ingested. */
export const journalCursors = pgTable('journal_cursors', {
  process: text('process').primaryKey(),
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  /** Hash of that record, in hex. */
  hash: text('hash').notNull(),
});

/** Insert-only: no role may change or delete a row. */
export const auditEvents = pgTable(
  'audit_events',
  {
    /** A team's id, or `instance`. */
    chain: text('chain').notNull(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    /** The chain when it is a team's; null rows are the operator's alone. */
    teamId: text('team_id').$type<TeamId>(),
    time: moment('time').notNull(),
    event: text('event').notNull(),
    outcome: text('outcome').$type<'success' | 'denied' | 'failed'>().notNull(),
    actor: jsonb('actor').$type<AuditActor>().notNull(),
    requestId: text('request_id'),
    address: text('address'),
    fields: jsonb('fields').$type<Readonly<Record<string, string | number | boolean | null>>>().notNull(),
    /** Hex SHA-256. */
    previous: text('previous').notNull(),
    hash: text('hash').notNull(),
    /** HMAC-SHA256 of `hash` under a key that PostgreSQL never holds. */
    mac: bytes('mac').notNull(),
    /** Names the record of a journal that this event came from, so that it is written once. */
    origin: text('origin'),
  },
  (table) => [primaryKey({ columns: [table.chain, table.sequence] })],
);

/** Heads signed by a key that neither server nor database has (H8). Insert-only. */
export const auditCheckpoints = pgTable(
  'audit_checkpoints',
  {
    chain: text('chain').notNull(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    /** Of the record with that sequence, hex. */
    hash: text('hash').notNull(),
    signedAt: moment('signed_at').notNull(),
    keyId: text('key_id').notNull(),
    /** Ed25519. */
    signature: bytes('signature').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chain, table.sequence] })],
);

/** Commands that the server is about to give to the warden; a row goes when the warden's journal names it (H5). */
export const announcedCommands = pgTable('announced_commands', {
  id: text('id').primaryKey(),
  kind: text('kind').notNull(),
  teamId: text('team_id').$type<TeamId>().notNull(),
  announcedAt: moment('announced_at').notNull(),
});

export const auditHeads = pgTable('audit_heads', {
  chain: text('chain').primaryKey(),
  teamId: text('team_id').$type<TeamId>(),
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  hash: text('hash').notNull(),
});
