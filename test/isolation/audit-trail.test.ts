import assert from 'node:assert/strict';
import { randomBytes, randomFillSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { mintId, type TeamId, type UserId } from '#base/ids.ts';
import type { AuditFields } from '#contract/audit.ts';
import { createAudit } from '#audit/create-audit.ts';
import type { Audit, AuditEntry } from '#audit/audit.ts';
import { verifyAudit } from '#audit/verify.ts';
import { mintTenantScope } from '#database/tenant-scope.ts';
import { createVault } from '#vault/create-vault.ts';
import { startDatabase, withClient, type TestDatabase } from '../support/start-database.ts';

const id = <Id extends string>() => mintId<Id>((bytes) => randomFillSync(bytes));
const vault = createVault({ sealing: [{ id: 1, bytes: randomBytes(32) }], lookup: randomBytes(32) });

let own: TestDatabase;
let audit: Audit;

before(async () => {
  own = await startDatabase();
  audit = createAudit({ database: own.database, vault, clock: systemClock });
});
after(() => own[Symbol.asyncDispose]());

const entry = (chain: TeamId | 'instance', reason: string): AuditEntry => ({
  event: 'session.ended',
  chain,
  actor: { kind: 'operator' },
  outcome: 'success',
  requestId: 'request',
  address: '192.0.2.1',
  fields: { reason },
});

async function exported(chain: TeamId | 'instance'): Promise<string[]> {
  const lines: string[] = [];
  for await (const record of audit.export(chain)) lines.push(JSON.stringify(record));
  return lines;
}

test('events that come at once stand in the order of their coming, without a gap', async () => {
  const team = id<TeamId>();
  await Promise.all(Array.from({ length: 500 }, (_, index) => audit.record(entry(team, String(index)))));
  const lines = await exported(team);
  const records = lines.map((line) => JSON.parse(line) as { sequence: number; fields: { reason: string } });
  assert.deepEqual(
    records.map((record) => record.sequence),
    Array.from({ length: 500 }, (_, index) => index + 1),
  );
  assert.deepEqual(
    records.map((record) => record.fields.reason),
    Array.from({ length: 500 }, (_, index) => String(index)),
  );
  assert.deepEqual(
    verifyAudit(lines, await audit.heads()).filter((finding) => finding.chain === team),
    [],
  );
  assert.deepEqual(await audit.check(team), []);
});

test('two writers of one chain take turns', async () => {
  const team = id<TeamId>();
  const other = createAudit({ database: own.database, vault, clock: systemClock });
  await Promise.all(Array.from({ length: 100 }, (_, index) => (index % 2 ? audit : other).record(entry(team, 'x'))));
  assert.equal((await exported(team)).length, 100);
  assert.deepEqual(await audit.check(team), []);
});

test('a digest field is not readable, and equal for equal values', async () => {
  const team = id<TeamId>();
  const refused = (email: string): AuditEntry => ({
    ...entry(team, ''),
    event: 'session.refused',
    outcome: 'denied',
    fields: { reason: 'password', email, count: 1 },
  });
  for (const email of ['a@example.test', 'a@example.test', 'b@example.test']) await audit.record(refused(email));
  const lines = await exported(team);
  assert.ok(!lines.join('').includes('example.test'));
  const digests = lines.map((line) => (JSON.parse(line) as { fields: { email: string } }).fields.email);
  assert.equal(digests[0], digests[1]);
  assert.notEqual(digests[0], digests[2]);
});

test('fields that are not the event own are refused, and what PostgreSQL cannot hold is replaced', async () => {
  const extra = { reason: 'x', token: 'secret' } as AuditFields<'session.ended'>;
  await assert.rejects(audit.record({ ...entry('instance', ''), event: 'session.ended', fields: extra }), {
    code: 'internal',
  });
  const team = id<TeamId>();
  await audit.record(entry(team, 'nul \0, surrogate \ud800, long '.padEnd(10_000, 'x')));
  assert.equal((await exported(team)).length, 1);
  assert.deepEqual(await audit.check(team), []);
});

test('an event of the same origin is written once', async () => {
  const team = id<TeamId>();
  const same = { ...entry(team, 'x'), origin: 'broker-1-a' } as AuditEntry;
  await Promise.all([audit.record(same), audit.record(same)]);
  await audit.record(same);
  assert.equal((await exported(team)).length, 1);
});

test('a team lists its own trail, page by page, newest first', async () => {
  const team = id<TeamId>();
  const scope = mintTenantScope({ teamId: team, userId: id<UserId>() });
  for (let index = 0; index < 5; index++) await audit.record(entry(team, String(index)));
  await audit.record(entry(id<TeamId>(), 'foreign'));
  await audit.record(entry('instance', 'operator'));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await audit.list(scope, { cursor, limit: 2, event: 'session.ended' });
    seen.push(...page.items.map((item) => String(item.fields['reason'])));
    cursor = page.cursor ?? undefined;
  } while (cursor);
  assert.deepEqual(seen, ['4', '3', '2', '1', '0']);
  await assert.rejects(audit.list(scope, { cursor: `' or 1=1`, limit: 2 }), { code: 'invalid_request' });
});

test('a row that somebody with the database wrote is found by its HMAC, though its hashes agree', async () => {
  const team = id<TeamId>();
  await audit.record(entry(team, 'one'));
  const forger = createAudit({
    database: own.database,
    vault: createVault({ sealing: [{ id: 1, bytes: randomBytes(32) }], lookup: randomBytes(32) }),
    clock: systemClock,
  });
  await forger.record(entry(team, 'forged'));
  assert.deepEqual(verifyAudit(await exported(team)), []);
  assert.deepEqual(
    (await audit.check(team)).map((finding) => finding.kind),
    ['inserted'],
  );
});

test('what was changed behind the triggers is found', async () => {
  const team = id<TeamId>();
  for (let index = 0; index < 4; index++) await audit.record(entry(team, String(index)));
  await withClient(own.superuser, async (client) => {
    await client.query('set session_replication_role = replica');
    await client.query(`update audit_events set fields = '{"reason":"other"}' where chain = $1 and sequence = 2`, [
      team,
    ]);
    await client.query('delete from audit_events where chain = $1 and sequence = 4', [team]);
  });
  assert.deepEqual((await audit.check(team)).map((finding) => finding.kind).toSorted(), ['deleted', 'edited']);
});
