import { boolean, index, integer, pgTable, primaryKey, smallint, text, uniqueIndex } from 'drizzle-orm/pg-core';
import type { TeamId, UserId } from '#base/ids.ts';
import type { Role } from '#contract/permissions.ts';
import { bytes, createdAt, moment, teamId } from '#database/schema/columns.ts';

export const users = pgTable('users', {
  id: text('id').$type<UserId>().primaryKey(),
  /** Lower case. */
  email: text('email').notNull().unique(),
  name: text('name').notNull(),
  /** PHC string; readable to casemate_auth only. */
  passwordHash: text('password_hash'),
  disabledAt: moment('disabled_at'),
  createdAt: createdAt(),
});

export const teams = pgTable('teams', {
  id: text('id').$type<TeamId>().primaryKey(),
  name: text('name').notNull(),
  personal: boolean('personal').notNull().default(false),
  createdAt: createdAt(),
});

export const memberships = pgTable(
  'memberships',
  {
    teamId: teamId(),
    userId: text('user_id').$type<UserId>().notNull(),
    role: text('role').$type<Role>().notNull(),
    createdAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.teamId, table.userId] }), index('memberships_user').on(table.userId)],
);

/** Only the SHA-256 of a token is here, and requests and jobs cannot read the table at all (H18). */
export const sessions = pgTable(
  'sessions',
  {
    id: text('id').primaryKey(),
    tokenHash: bytes('token_hash').notNull().unique(),
    userId: text('user_id').$type<UserId>().notNull(),
    teamId: text('team_id').$type<TeamId>().notNull(),
    createdAt: createdAt(),
    lastSeenAt: moment('last_seen_at').notNull(),
    idleExpiresAt: moment('idle_expires_at').notNull(),
    absoluteExpiresAt: moment('absolute_expires_at').notNull(),
    address: text('address'),
    agent: text('agent'),
    revokedAt: moment('revoked_at'),
    revokedReason: text('revoked_reason'),
  },
  (table) => [index('sessions_user').on(table.userId, table.createdAt)],
);

/** Expired and revoked keys are kept for the trail. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: text('id').primaryKey(),
    teamId: teamId(),
    /** Whose rights the key has at most. */
    ownerId: text('owner_id').$type<UserId>().notNull(),
    name: text('name').notNull(),
    /** First 12 characters, for display. */
    prefix: text('prefix').notNull(),
    hash: bytes('hash').notNull(),
    scopes: text('scopes').array().notNull(),
    createdAt: createdAt(),
    expiresAt: moment('expires_at'),
    revokedAt: moment('revoked_at'),
    lastUsedAt: moment('last_used_at'),
  },
  (table) => [uniqueIndex('api_keys_hash').on(table.hash), index('api_keys_page').on(table.teamId, table.createdAt)],
);

/** One-time set-up links. */
export const setupTokens = pgTable('setup_tokens', {
  hash: bytes('hash').primaryKey(),
  createdAt: createdAt(),
  expiresAt: moment('expires_at').notNull(),
  usedAt: moment('used_at'),
});

/** Counters of failed attempts, by kind of key (`account`, `address`, `global`) and its HMAC. */
export const loginLimits = pgTable(
  'login_limits',
  {
    kind: text('kind').$type<'account' | 'address' | 'global'>().notNull(),
    key: bytes('key').notNull(),
    count: integer('count').notNull(),
    windowEndsAt: moment('window_ends_at').notNull(),
    blockedUntil: moment('blocked_until'),
  },
  (table) => [primaryKey({ columns: [table.kind, table.key] })],
);

/** Replies to creations, so that a repeated request gets the same one. `status` is null while it runs. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    teamId: teamId(),
    key: text('key').notNull(),
    /** SHA-256 of method, route and body. */
    requestDigest: bytes('request_digest').notNull(),
    status: integer('status'),
    body: text('body'),
    createdAt: createdAt(),
    expiresAt: moment('expires_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.teamId, table.key] })],
);

/** What `current_team_id()` checks the proof of a transaction's team with; read by nobody else (H18). */
export const contextKeys = pgTable('context_keys', {
  id: smallint('id').primaryKey(),
  innerPad: bytes('inner_pad').notNull(),
  outerPad: bytes('outer_pad').notNull(),
});
