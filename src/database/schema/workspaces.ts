import { index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import type { SandboxId, TerminalId, UserId, WorkspaceId } from '#base/ids.ts';
import type { Policy } from '#contract/policy.ts';
import type { CredentialKind } from '#contract/broker.ts';
import type { Tier } from '#contract/warden.ts';
import { bytes, createdAt, moment, teamId } from '#database/schema/columns.ts';

export const workspaces = pgTable(
  'workspaces',
  {
    id: text('id').$type<WorkspaceId>().primaryKey(),
    teamId: teamId(),
    name: text('name').notNull(),
    description: text('description').notNull().default(''),
    state: text('state').$type<'creating' | 'cloning' | 'ready' | 'failed' | 'deleted'>().notNull(),
    failure: text('failure'),
    gitUrl: text('git_url'),
    gitBranch: text('git_branch'),
    policy: jsonb('policy').$type<Policy>().notNull(),
    policyPreset: text('policy_preset').$type<'coding' | 'closed' | 'custom'>().notNull(),
    createdBy: text('created_by').$type<UserId>().notNull(),
    createdAt: createdAt(),
    lastUsedAt: moment('last_used_at').notNull(),
    deletedAt: moment('deleted_at'),
    purgeAt: moment('purge_at'),
  },
  (table) => [index('workspaces_page').on(table.teamId, table.createdAt, table.id)],
);

export const sandboxes = pgTable(
  'sandboxes',
  {
    id: text('id').$type<SandboxId>().primaryKey(),
    teamId: teamId(),
    workspaceId: text('workspace_id').$type<WorkspaceId>(),
    state: text('state').$type<'starting' | 'running' | 'frozen' | 'stopping' | 'stopped'>().notNull(),
    tier: text('tier').$type<Tier>().notNull(),
    template: text('template').notNull(),
    createdAt: createdAt(),
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
    endReason: text('end_reason'),
  },
  (table) => [index('sandboxes_page').on(table.teamId, table.createdAt, table.id)],
);

export const terminals = pgTable(
  'terminals',
  {
    id: text('id').$type<TerminalId>().primaryKey(),
    teamId: teamId(),
    workspaceId: text('workspace_id').$type<WorkspaceId>(),
    sandboxId: text('sandbox_id').$type<SandboxId>().notNull(),
    title: text('title').notNull(),
    program: text('program').notNull(),
    columns: integer('columns').notNull(),
    rows: integer('rows').notNull(),
    state: text('state').$type<'starting' | 'running' | 'ended'>().notNull(),
    exitCode: integer('exit_code'),
    signal: text('signal'),
    /** Raw X25519; the keeper seals to it. */
    recordingPublicKey: bytes('recording_public_key').notNull(),
    /** Sealed by the vault (table `terminals`, column `recording_private_key`, this row's id and team). */
    recordingPrivateKey: bytes('recording_private_key').notNull(),
    createdBy: text('created_by').$type<UserId>().notNull(),
    createdAt: createdAt(),
    endedAt: moment('ended_at'),
  },
  (table) => [index('terminals_page').on(table.teamId, table.workspaceId, table.createdAt, table.id)],
);

/** Sealed to the broker's key: the server cannot read them back. Kept to hand them to a broker that lost its own. */
export const secrets = pgTable(
  'secrets',
  {
    teamId: teamId(),
    name: text('name').notNull(),
    kind: text('kind').$type<CredentialKind>().notNull(),
    baseUrl: text('base_url').notNull(),
    userName: text('user_name').notNull(),
    sealed: bytes('sealed').notNull(),
    setBy: text('set_by').$type<UserId>(),
    setAt: moment('set_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.teamId, table.name] })],
);
