import assert from 'node:assert/strict';
import { randomBytes, randomFillSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { mintId, type TeamId } from '#base/ids.ts';
import { createTenantProof } from '#database/tenant-proof.ts';
import { mintTenantScope } from '#database/tenant-scope.ts';
import { startDatabase, withClient, type TestDatabase } from '../support/start-database.ts';

const id = () => mintId<string>((bytes) => randomFillSync(bytes));
const hex = (length: number) => randomBytes(length).toString('hex');
const now = '2026-01-01T00:00:00Z';

interface Team {
  readonly team: string;
  readonly user: string;
  readonly workspace: string;
  readonly sandbox: string;
}
const newTeam = (): Team => ({ team: id(), user: id(), workspace: id(), sandbox: id() });
const one = newTeam();
const two = newTeam();

type Operation = 'select' | 'insert' | 'update' | 'delete';
type Row = Readonly<Record<string, string | number | boolean | null>>;

interface TableCase {
  /** A row of that team; each call gives one with a key of its own, unless `fixed`. */
  readonly row: (of: Team) => Row;
  /** What names the row in statements, readable to everybody who may read anything of the table. */
  readonly key: string;
  /** A column that may be changed by whoever may change anything. */
  readonly change: string;
  /** Letters of the operations (s, i, u, d) each role may do; a role that is not named may do nothing. */
  readonly allowed: Readonly<Record<string, string>>;
}

const tables: Readonly<Record<string, TableCase>> = {
  users: {
    row: () => ({ id: id(), email: `${id()}@example.test`, name: 'N' }),
    key: 'id',
    change: 'name',
    allowed: { casemate_tenant: 's', casemate_auth: 'siu' },
  },
  teams: {
    row: () => ({ id: id(), name: 'T' }),
    key: 'id',
    change: 'name',
    allowed: { casemate_tenant: 's', casemate_auth: 'si', casemate_job_lifecycle: 's' },
  },
  memberships: {
    row: (of) => ({ team_id: of.team, user_id: of.user, role: 'owner' }),
    key: 'user_id',
    change: 'role',
    allowed: { casemate_tenant: 's', casemate_auth: 'si' },
  },
  sessions: {
    row: (of) => ({
      id: id(),
      token_hash: `\\x${hex(32)}`,
      user_id: of.user,
      team_id: of.team,
      last_seen_at: now,
      idle_expires_at: now,
      absolute_expires_at: now,
    }),
    key: 'absolute_expires_at',
    change: 'last_seen_at',
    allowed: { casemate_auth: 'siu', casemate_job_purge: 'sd' },
  },
  api_keys: {
    row: (of) => ({
      id: id(),
      team_id: of.team,
      owner_id: of.user,
      name: 'K',
      prefix: 'e2b_12345678',
      hash: `\\x${hex(32)}`,
      scopes: '{*}',
    }),
    key: 'team_id',
    change: 'revoked_at',
    allowed: { casemate_tenant: 'siud', casemate_auth: 's' },
  },
  setup_tokens: {
    row: () => ({ hash: `\\x${hex(32)}`, expires_at: now }),
    key: 'expires_at',
    change: 'used_at',
    allowed: { casemate_auth: 'siu', casemate_job_purge: 'sd' },
  },
  login_limits: {
    row: () => ({ kind: 'account', key: `\\x${hex(32)}`, count: 1, window_ends_at: now }),
    key: 'window_ends_at',
    change: 'count',
    allowed: { casemate_auth: 'siud', casemate_job_purge: 'sd' },
  },
  idempotency_keys: {
    row: (of) => ({ team_id: of.team, key: id(), request_digest: '\\x00', expires_at: now }),
    key: 'expires_at',
    change: 'status',
    allowed: { casemate_tenant: 'siud', casemate_job_purge: 'sd' },
  },
  workspaces: {
    row: (of) => ({
      id: of.workspace,
      team_id: of.team,
      name: 'W',
      state: 'ready',
      policy: '{}',
      policy_preset: 'closed',
      created_by: of.user,
      last_used_at: now,
    }),
    key: 'id',
    change: 'name',
    allowed: { casemate_tenant: 'siud', casemate_job_lifecycle: 's' },
  },
  sandboxes: {
    row: (of) => ({ id: of.sandbox, team_id: of.team, state: 'stopped', tier: 'crun', template: 'base' }),
    key: 'id',
    change: 'state',
    allowed: { casemate_tenant: 'siu', casemate_job_lifecycle: 's' },
  },
  terminals: {
    row: (of) => ({
      id: id(),
      team_id: of.team,
      sandbox_id: of.sandbox,
      title: 'T',
      program: 'shell',
      columns: 80,
      rows: 24,
      state: 'running',
      recording_public_key: `\\x${hex(32)}`,
      recording_private_key: '\\x00',
      created_by: of.user,
    }),
    key: 'id',
    change: 'title',
    allowed: { casemate_tenant: 'siu', casemate_job_lifecycle: 's' },
  },
  secrets: {
    row: (of) => ({
      team_id: of.team,
      name: `s${id()}`,
      kind: 'git',
      base_url: 'https://git.example.test',
      user_name: 'x',
      sealed: '\\x00',
      set_at: now,
    }),
    key: 'team_id',
    change: 'kind',
    allowed: { casemate_tenant: 'siud', casemate_job_lifecycle: 's' },
  },
  egress_events: {
    row: (of) => ({
      id: id(),
      team_id: of.team,
      sandbox_id: of.sandbox,
      time: now,
      sequence: 1,
      allowed: true,
      method: 'CONNECT',
      host: 'example.test',
      port: 443,
      reason: 'r',
    }),
    key: 'team_id',
    change: 'reason',
    allowed: { casemate_tenant: 's', casemate_job_ingest: 'si' },
  },
  journal_cursors: {
    row: () => ({ process: id(), sequence: 1, hash: 'x' }),
    key: 'process',
    change: 'hash',
    allowed: { casemate_job_ingest: 'siu' },
  },
  audit_events: {
    row: (of) => ({
      chain: of.team,
      sequence: Math.floor(Math.random() * 1e9) + 1,
      team_id: of.team,
      time: now,
      event: 'e',
      outcome: 'success',
      actor: '{}',
      fields: '{}',
      previous: '0'.repeat(64),
      hash: '0'.repeat(64),
      mac: `\\x${hex(32)}`,
    }),
    key: 'team_id',
    change: 'event',
    allowed: { casemate_tenant: 's', casemate_job_audit: 'si' },
  },
  audit_checkpoints: {
    row: (of) => ({
      chain: of.team,
      sequence: Math.floor(Math.random() * 1e9) + 1,
      hash: '0'.repeat(64),
      signed_at: now,
      key_id: '0'.repeat(16),
      signature: `\\x${hex(64)}`,
    }),
    key: 'chain',
    change: 'key_id',
    allowed: { casemate_job_audit: 'si' },
  },
  announced_commands: {
    row: (of) => ({ id: id(), kind: 'exec.run', team_id: of.team, announced_at: now }),
    key: 'announced_at',
    change: 'kind',
    allowed: { casemate_job_audit: 'i', casemate_job_ingest: 'sd', casemate_job_purge: 'sd' },
  },
  audit_heads: {
    row: (of) => ({ chain: of.team, team_id: of.team, sequence: 1, hash: 'x' }),
    key: 'chain',
    change: 'sequence',
    allowed: { casemate_job_audit: 'siu' },
  },
};

/** Login, then the role that it takes on. */
const roles = [
  ['request', null],
  ['request', 'casemate_tenant'],
  ['jobs', null],
  ['jobs', 'casemate_job_audit'],
  ['jobs', 'casemate_job_ingest'],
  ['jobs', 'casemate_job_lifecycle'],
  ['jobs', 'casemate_job_purge'],
  ['auth', 'casemate_auth'],
] as const;

/** What the server says of itself when it acts for that team. */
const proofOf = (team: string): string =>
  createTenantProof(own.logins.contextKey)(mintTenantScope({ teamId: team as TeamId, userId: null }));

let own: TestDatabase;
const rows = new Map<string, { one: Row; two: Row }>();

function insertion(table: string, row: Row): [string, unknown[]] {
  const columns = Object.keys(row);
  const places = columns.map((_, index) => `$${index + 1}`);
  return [`insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`, Object.values(row)];
}

before(async () => {
  own = await startDatabase();
  await withClient(own.superuser, async (client) => {
    for (const [table, { row }] of Object.entries(tables)) {
      const made = { one: row(one), two: row(two) };
      if (table === 'users')
        Object.assign(made, { one: { ...made.one, id: one.user }, two: { ...made.two, id: two.user } });
      if (table === 'teams')
        Object.assign(made, { one: { ...made.one, id: one.team }, two: { ...made.two, id: two.team } });
      if (made.one['expires_at'] || made.one['window_ends_at'] || made.one['absolute_expires_at']) {
        // Keys that two teams share would hide a leak: let them differ.
        for (const column of ['expires_at', 'window_ends_at', 'absolute_expires_at']) {
          if (made.two[column]) made.two = { ...made.two, [column]: '2027-01-01T00:00:00Z' };
        }
      }
      await client.query(...insertion(table, made.one));
      await client.query(...insertion(table, made.two));
      rows.set(table, made);
    }
  });
});
after(() => own[Symbol.asyncDispose]());

type Outcome = 'denied' | 'nothing' | 'done';

async function attempt(
  client: pg.Client,
  as: { readonly role: string | null; readonly team: string | null },
  table: string,
  operation: Operation,
  target: { readonly row: Row; readonly of: Team },
): Promise<Outcome> {
  const { key, change, row } = tables[table] as TableCase;
  const statements: Record<Operation, [string, unknown[]]> = {
    select: [`select ${key} from ${table} where ${key} = $1`, [target.row[key]]],
    insert: insertion(
      table,
      row({ ...target.of, workspace: id(), sandbox: table === 'sandboxes' ? id() : target.of.sandbox }),
    ),
    update: [`update ${table} set ${change} = ${change}`, []],
    delete: [`delete from ${table} where ${key} = $1`, [target.row[key]]],
  };
  // A change needs no reading of the column in its condition, so the target is chosen by what was seeded.
  if (operation === 'update') {
    const value = change === 'sequence' ? 2_000_000_000 : (target.row[change] ?? null);
    statements.update = [`update ${table} set ${change} = $2 where ${key} = $1`, [target.row[key], value]];
  }
  await client.query('begin');
  try {
    if (as.role) await client.query(`set local role ${as.role}`);
    if (as.team) await client.query(`select set_config('casemate.context', $1, true)`, [proofOf(as.team)]);
    const result = await client.query(...statements[operation]);
    return result.rowCount === 0 ? 'nothing' : 'done';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // A foreign key or a unique index answers only what row-level security let through.
    if (code === '23503' || code === '23505') return 'done';
    if (code !== '42501') throw new Error(`${as.role} ${operation} ${table}: ${message}`, { cause: error });
    return 'denied';
  } finally {
    await client.query('rollback');
  }
}

test('H18 every table is protected, for its owner too', async () => {
  await withClient(own.superuser, async (client) => {
    const found = await client.query<{ relname: string; relrowsecurity: boolean; relforcerowsecurity: boolean }>(
      `select relname, relrowsecurity, relforcerowsecurity from pg_class
       where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and relname <> 'schema_migrations'`,
    );
    assert.deepEqual(
      found.rows.map((row) => row.relname).toSorted(),
      [...Object.keys(tables), 'context_keys'].toSorted(),
    );
    // What a matrix of rows cannot say: nobody but the owner has anything to do with the key of the proofs.
    const grants = await client.query(
      `select grantee from information_schema.role_table_grants where table_name = 'context_keys' and grantee <> 'casemate_owner'`,
    );
    assert.deepEqual(grants.rows, []);
    for (const row of found.rows) assert.ok(row.relrowsecurity && row.relforcerowsecurity, row.relname);
  });
});

test('H18 no role of the server is powerful, and none inherits', async () => {
  await withClient(own.superuser, async (client) => {
    const found = await client.query(
      `select rolname from pg_roles where rolname like 'casemate%' and rolname <> 'casemate_superuser'
       and (rolsuper or rolbypassrls or rolreplication or rolcreatedb or (rolinherit and rolname <> 'casemate_owner')
       or (rolcreaterole and rolname <> 'casemate_owner'))`,
    );
    assert.deepEqual(found.rows, []);
  });
});

test('H18 each role does to each table what its row of the matrix says, and to no other team', async (t) => {
  let looked = 0;
  for (const [login, role] of roles) {
    await withClient(own.logins[login], async (client) => {
      const effective = role === 'casemate_auth' ? null : role;
      for (const [table, { allowed }] of Object.entries(tables)) {
        const letters = (role && allowed[role]) ?? '';
        const seeded = rows.get(table);
        assert.ok(seeded);
        for (const operation of ['select', 'insert', 'update', 'delete'] as const) {
          const may = letters.includes(operation.charAt(0));
          const scoped = role === 'casemate_tenant';
          const cases: [string, string | null, { row: Row; of: Team }, Outcome[]][] = [
            ['own', one.team, { row: seeded.one, of: one }, may ? ['done'] : ['denied']],
            [
              'foreign',
              one.team,
              { row: seeded.two, of: two },
              may ? (scoped ? ['nothing', 'denied'] : ['done']) : ['denied'],
            ],
            [
              'none',
              null,
              { row: seeded.one, of: one },
              may ? (scoped ? ['nothing', 'denied'] : ['done']) : ['denied'],
            ],
          ];
          for (const [context, team, target, expected] of cases) {
            looked++;
            const outcome = await attempt(client, { role: effective, team }, table, operation, target);
            assert.ok(
              expected.includes(outcome),
              `${role ?? login} ${operation} ${table} (${context}): ${outcome}, not ${expected}`,
            );
          }
        }
      }
    });
  }
  t.diagnostic(`${looked} combinations`);
});

test('H18 a team cannot read the sealed secrets, the password hashes or the sessions', async () => {
  await withClient(own.logins.request, async (client) => {
    await client.query('set role casemate_tenant');
    await client.query(`select set_config('casemate.context', $1, false)`, [proofOf(one.team)]);
    for (const [column, table] of [
      ['sealed', 'secrets'],
      ['password_hash', 'users'],
      ['token_hash', 'sessions'],
    ]) {
      await assert.rejects(client.query(`select ${column} from ${table}`), /permission denied/);
    }
  });
});

test('H18 the login of requests cannot become a job, the login of sign-in, nor the owner', async () => {
  await withClient(own.logins.request, async (client) => {
    const jobs = ['audit', 'ingest', 'lifecycle', 'purge'].map((job) => `casemate_job_${job}`);
    for (const role of [...jobs, 'casemate_jobs', 'casemate_auth', 'casemate_owner', 'casemate_superuser']) {
      await assert.rejects(client.query(`set role ${role}`), /permission denied/);
    }
    await assert.rejects(client.query('create table public.mine ()'), /permission denied/);
  });
});

test('the trail refuses to be changed or emptied, by its owner too', async () => {
  await withClient(own.superuser, async (client) => {
    for (const statement of [
      `update audit_events set event = 'other'`,
      'delete from audit_events',
      'truncate audit_events',
      'update audit_heads set sequence = 0',
      'delete from audit_heads',
      'truncate audit_heads',
    ]) {
      await assert.rejects(client.query(statement), /insert-only|only grows/);
    }
  });
});
