import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { mintId, type TeamId, type UserId, type WorkspaceId } from '#base/ids.ts';
import { policyPresets } from '#contract/policy.ts';
import { addMembership, createTeam } from '#database/identity/team-store.ts';
import { createUser } from '#database/identity/user-store.ts';
import { mintTenantScope, type TenantScope } from '#database/tenant-scope.ts';
import type { TenantTransaction } from '#database/transaction.ts';
import { createWorkspace, listWorkspaces, updateWorkspace } from '#database/workspaces/workspace-store.ts';
import { startDatabase, withClient, type TestDatabase } from '../support/start-database.ts';

const id = <Id extends string>() => mintId<Id>((bytes) => randomFillSync(bytes));

let own: TestDatabase;
let scope: TenantScope;
const userId = id<UserId>();
const teamId = id<TeamId>();

before(async () => {
  own = await startDatabase();
  scope = mintTenantScope({ teamId, userId });
  await own.database.withAuth(async (tx) => {
    await createUser(tx, { id: userId, email: 'owner@example.test', name: 'Owner', passwordHash: null });
    await createTeam(tx, { id: teamId, name: 'Team', personal: true });
    await addMembership(tx, { teamId, userId, role: 'owner' });
  });
});
after(() => own[Symbol.asyncDispose]());

const workspace = () => ({
  id: id<WorkspaceId>(),
  name: 'One',
  state: 'ready' as const,
  policy: { sets: [...policyPresets.closed.sets], allow: [], deny: [] },
  policyPreset: 'closed' as const,
  createdBy: userId,
  lastUsedAt: new Date(),
});

test('a tenant writes into its own team without naming it', async () => {
  const made = await own.database.withTenant(scope, (tx) => createWorkspace(tx, workspace()));
  assert.equal(made?.teamId, teamId);
});

test('a connection that forgot the context is refused, not answered with nothing', async () => {
  await withClient(own.logins.request, async (client) => {
    for (const table of ['workspaces', 'users', 'sessions', 'audit_events', 'secrets']) {
      await assert.rejects(client.query(`select from ${table}`), /permission denied/);
    }
  });
});

test('a role without a team is refused', async () => {
  await withClient(own.logins.request, async (client) => {
    await client.query('set role casemate_tenant');
    await assert.rejects(client.query('select from workspaces'), /permission denied/);
    await assert.rejects(
      client.query(
        `insert into secrets (name, kind, base_url, user_name, sealed, set_at) values ('a','git','x','x','', now())`,
      ),
    );
  });
});

test('a scope that was not minted by the access room is refused, a copy too', async () => {
  const copy = { ...scope } as TenantScope;
  await assert.rejects(
    own.database.withTenant(copy, async () => 1),
    { code: 'internal' },
  );
});

test('a handle that escaped its transaction is dead', async () => {
  let escaped: TenantTransaction | undefined;
  await own.database.withTenant(scope, async (tx) => {
    escaped = tx;
  });
  assert.ok(escaped);
  const late = escaped;
  await assert.rejects(async () => listWorkspaces(late, { limit: 1 }));
});

test('a transaction whose failed statement was caught does not pretend to have committed', async () => {
  await assert.rejects(
    own.database.withTenant(scope, async (tx) => {
      await createWorkspace(tx, workspace());
      await tx.execute(sql`select 1 / 0`).catch(() => undefined);
      return 'done';
    }),
    { code: 'internal' },
  );
});

test('role and context end with the transaction', async () => {
  const single = own.database;
  for (let round = 0; round < 12; round++) await single.withTenant(scope, async () => undefined);
  await assert.rejects(
    single.withJob('purge', (tx) => tx.execute(sql`select id from workspaces`)),
    { code: '42501' },
  );
});

test('an error of PostgreSQL leaves the room without parameters and row values', async () => {
  const error = await own.database
    .withTenant(scope, async (tx) => {
      const same = { ...workspace(), description: 'private words' };
      await createWorkspace(tx, same);
      await createWorkspace(tx, same);
    })
    .catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error);
  assert.equal((error as { code?: string }).code, '23505');
  assert.doesNotMatch(JSON.stringify(error) + error.message + String(error.cause) + error.stack, /private words/);
});

test('two transactions that deadlock both succeed, because the loser runs again', async () => {
  const made = await own.database.withTenant(scope, async (tx) => [
    await createWorkspace(tx, workspace()),
    await createWorkspace(tx, workspace()),
  ]);
  const [first, second] = made.map((row) => row?.id);
  assert.ok(first && second);
  let runs = 0;
  let arrived = 0;
  const both = Promise.withResolvers<void>();
  const change = (one: WorkspaceId, other: WorkspaceId, name: string) =>
    own.database.withTenant(scope, async (tx) => {
      runs += 1;
      await updateWorkspace(tx, one, { name });
      arrived += 1;
      if (arrived === 2) both.resolve();
      await both.promise;
      await updateWorkspace(tx, other, { name });
    });
  await Promise.all([change(first, second, 'a'), change(second, first, 'b')]);
  assert.equal(runs, 3);
});

test('pages neither repeat nor skip a row while others arrive', async () => {
  const team = id<TeamId>();
  const teamScope = mintTenantScope({ teamId: team, userId });
  await own.database.withAuth((tx) => createTeam(tx, { id: team, name: 'Pages', personal: false }));
  // The same moment for several: the id decides.
  const createdAt = new Date('2026-01-01T00:00:00.123Z');
  const expected: string[] = [];
  for (let index = 0; index < 7; index++) {
    const row = { ...workspace(), createdAt: new Date(createdAt.getTime() + (index >> 2)) };
    expected.push(row.id);
    await own.database.withTenant(teamScope, (tx) => createWorkspace(tx, row));
  }
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await own.database.withTenant(teamScope, (tx) => listWorkspaces(tx, { limit: 2, cursor }));
    seen.push(...page.items.map((item) => item.id));
    cursor = page.cursor ?? undefined;
    await own.database.withTenant(teamScope, (tx) => createWorkspace(tx, workspace()));
  } while (cursor !== undefined);
  assert.deepEqual(seen.toSorted(), expected.toSorted());
});
