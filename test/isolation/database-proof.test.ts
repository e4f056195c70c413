import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { mintId, type TeamId, type UserId, type WorkspaceId } from '#base/ids.ts';
import { createTeam } from '#database/identity/team-store.ts';
import { createUser } from '#database/identity/user-store.ts';
import { createTenantProof } from '#database/tenant-proof.ts';
import { mintTenantScope } from '#database/tenant-scope.ts';
import { createWorkspace, listWorkspaces } from '#database/workspaces/workspace-store.ts';
import { startDatabase, type TestDatabase, withClient } from '../support/start-database.ts';

const id = <Id extends string>() => mintId<Id>((bytes) => randomFillSync(bytes));
const userId = id<UserId>();
const scopes = [0, 1].map(() => mintTenantScope({ teamId: id<TeamId>(), userId }));
const [mine, theirs] = scopes as [(typeof scopes)[0], (typeof scopes)[0]];

let own: TestDatabase;
before(async () => {
  own = await startDatabase();
  await own.database.withAuth((tx) =>
    createUser(tx, { id: userId, email: 'owner@example.test', name: 'Owner', passwordHash: null }),
  );
  for (const scope of scopes) {
    await own.database.withAuth((tx) => createTeam(tx, { id: scope.teamId, name: 'Team', personal: false }));
    await own.database.withTenant(scope, (tx) =>
      createWorkspace(tx, {
        id: id<WorkspaceId>(),
        name: 'W',
        state: 'ready',
        policy: { sets: [], allow: [], deny: [] },
        policyPreset: 'closed',
        createdBy: userId,
        lastUsedAt: new Date(),
      }),
    );
  }
});
after(() => own[Symbol.asyncDispose]());

/** What SQL injected into a transaction of one team might try, before it reads. */
function attacks(): readonly string[] {
  const prove = createTenantProof(own.logins.contextKey);
  const [, user, expires, mac] = prove(mine).split('|') as [string, string, string, string];
  const context = (value: string) => `select set_config('casemate.context', '${value}', true)`;
  const stranger = createTenantProof('0'.repeat(64));
  return [
    context(theirs.teamId),
    context(`${theirs.teamId}|${user}|${expires}|${mac}`),
    context(`${theirs.teamId}|${user}|${expires}|`),
    context(`${theirs.teamId}|||`),
    context(stranger(theirs)),
    context(createTenantProof(own.logins.contextKey, () => Date.now() - 3_600_000)(theirs)),
    // The parts are joined before they are signed: a separator in one of them moves nothing.
    context(`${theirs.teamId}|${mine.teamId}|${user}|${expires}|${mac}`),
    context(''),
    `set casemate.context = '${theirs.teamId}'`,
    `set casemate.team_id = '${theirs.teamId}'`,
    'reset casemate.context',
    'reset all',
    'reset role',
    'set local role none',
    ...['audit', 'ingest', 'lifecycle', 'purge'].map((job) => `set role casemate_job_${job}`),
    'set role casemate_jobs',
    'set role casemate_auth',
    'set role casemate_owner',
    'set session authorization casemate_jobs',
    'set local row_security = off',
    'create temp table workspaces (id text)',
    `create function pg_temp.current_team_id() returns text language sql as $$ select '${theirs.teamId}' $$`,
    `create or replace function public.current_team_id() returns text language sql as $$ select '${theirs.teamId}' $$`,
    'alter table workspaces disable row level security',
    'drop policy tenant_select on workspaces',
    'update context_keys set id = 1',
    'select inner_pad from context_keys',
    'grant casemate_job_lifecycle to casemate_request',
    'alter role casemate_request bypassrls',
  ];
}

test('H18 SQL injected into the transaction of a request reads and writes no row of another team', async (t) => {
  let refused = 0;
  for (const attack of attacks()) {
    for (const statement of [
      'select team_id from workspaces',
      'select chain as team_id from audit_events',
      `update workspaces set name = 'mine' returning team_id`,
    ]) {
      const rows = await own.database
        .withTenant(mine, async (tx) => {
          await tx.execute(sql.raw(attack));
          return (await tx.execute(sql.raw(statement))).rows;
        })
        .catch((error: unknown) => {
          assert.match(
            String((error as { code?: string }).code),
            /^(?:42501|42P01|0A000|22023|42704|internal)$/,
            attack,
          );
          refused += 1;
          return [];
        });
      for (const row of rows) assert.equal(row['team_id'], mine.teamId, attack);
    }
  }
  t.diagnostic(`${refused} attempts were refused`);
  const page = await own.database.withTenant(theirs, (tx) => listWorkspaces(tx, { limit: 5 }));
  assert.deepEqual(
    page.items.map(({ name }) => name),
    ['W'],
  );
});

test('H18 what an injected statement leaves in a connection gives its next user nothing of another team', async () => {
  for (const leftover of [
    `set session casemate.context = 'x'`,
    `select set_config('casemate.context', '${theirs.teamId}|', false)`,
    'set session role casemate_tenant',
    `set session search_path = pg_temp, public`,
  ]) {
    await own.database.withTenant(mine, (tx) => tx.execute(sql.raw(leftover))).catch(() => undefined);
    for (let round = 0; round < 11; round += 1) {
      const page = await own.database.withTenant(mine, (tx) => listWorkspaces(tx, { limit: 5 }));
      assert.deepEqual([...new Set(page.items.map(({ teamId }) => teamId))], [mine.teamId], leftover);
    }
  }
});

test('H18 the proof of a team costs a transaction little', async (t) => {
  const timed = async (work: (round: number) => Promise<unknown>): Promise<number> => {
    const took: number[] = [];
    for (let round = 0; round < 300; round += 1) {
      const began = performance.now();
      await work(round);
      took.push(performance.now() - began);
    }
    return took.toSorted((a, b) => a - b)[150] ?? 0;
  };
  const read = (): Promise<unknown> => own.database.withTenant(mine, (tx) => listWorkspaces(tx, { limit: 5 }));
  const proof = createTenantProof(own.logins.contextKey)(mine);
  const withProof = await timed(read);
  // The same statements, with a function that believes what the setting says, as before the proof.
  await withClient(own.superuser, (client) =>
    client.query(`create or replace function public.current_team_id() returns text language sql stable
      as $$ select split_part(current_setting('casemate.context', true), '|', 1) $$`),
  );
  const without = await timed(read);
  t.diagnostic(`p50 of a reading transaction: ${withProof.toFixed(2)} ms with, ${without.toFixed(2)} ms without`);
  assert.ok(proof.length < 256 && withProof < Math.max(without * 3, without + 2));
});
