import assert from 'node:assert/strict';
import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '#base/clock.ts';
import { mintId, type SandboxId, type TeamId, type UserId, type WorkspaceId } from '#base/ids.ts';
import { journalGenesis, journalHashInput, type JournalRecord } from '#contract/journal.ts';
import { createAudit } from '#audit/create-audit.ts';
import { ingestJournal, type IngestOptions, type ReadJournal } from '#audit/ingest-journal.ts';
import { createJournalStore } from '#audit/journal-store.ts';
import { mintTenantScope } from '#database/tenant-scope.ts';
import { listEgressEvents, type EgressRow } from '#database/trail/egress-store.ts';
import { openJournal } from '#journal/journal.ts';
import { createVault } from '#vault/create-vault.ts';
import { startDatabase, type TestDatabase } from '../support/start-database.ts';

const id = <Id extends string>() => mintId<Id>((bytes) => randomFillSync(bytes));
const vault = createVault({ sealing: [{ id: 1, bytes: randomBytes(32) }], lookup: randomBytes(32) });
const log = { info() {}, warn() {}, error() {} };

const opened: TestDatabase[] = [];
let own: TestDatabase;
let teamId: TeamId;
let workspaceId: WorkspaceId;
beforeEach(async () => {
  own = await startDatabase();
  opened.push(own);
  teamId = id();
  workspaceId = id();
});
after(() => Promise.all(opened.map((database) => database[Symbol.asyncDispose]())));

const egress = (host: string): JournalRecord['data'] => ({
  sandboxId: id<SandboxId>(),
  teamId,
  workspaceId,
  method: 'CONNECT',
  host,
  port: 443,
  reason: 'allowed by set git',
  credential: null,
});

function chained(
  list: readonly { kind: string; data: JournalRecord['data']; time?: number }[],
  first = 1,
): JournalRecord[] {
  let previous = journalGenesis;
  return list.map(({ kind, data, time = 1_700_000_000_000 }, index) => {
    const fields = { sequence: first + index, time, kind, data, previous };
    const hash = createHash('sha256').update(journalHashInput(fields)).digest('hex');
    previous = hash;
    return { ...fields, hash };
  });
}

/** A journal that is just these records, as its process would answer. */
const reader =
  (records: () => readonly JournalRecord[]): ReadJournal =>
  async ({ after: from, limit, waitMs }, signal) => {
    const found = records().filter((record) => record.sequence > from);
    if (found.length === 0) await wait(Math.min(waitMs, 20), undefined, { signal }).catch(() => undefined);
    return { first: records()[0]?.sequence ?? 1, records: found.slice(0, limit) };
  };

async function ingestUntil(
  options: Partial<IngestOptions> & Pick<IngestOptions, 'read'>,
  done: () => Promise<boolean>,
) {
  const audit = createAudit({ database: own.database, vault, clock: systemClock });
  const running = ingestJournal({
    process: 'broker',
    store: createJournalStore(own.database),
    audit,
    log,
    ...options,
  });
  const deadline = Date.now() + 10_000;
  while (!(await done())) {
    assert.ok(Date.now() < deadline, 'the journal was not taken over in time');
    await wait(20);
  }
  await running.stop();
}

async function trail(chain: TeamId | 'instance'): Promise<{ event: string; fields: Record<string, unknown> }[]> {
  const audit = createAudit({ database: own.database, vault, clock: systemClock });
  const found: { event: string; fields: Record<string, unknown> }[] = [];
  for await (const { event, fields } of audit.export(chain)) found.push({ event, fields });
  assert.deepEqual(await audit.check(chain), []);
  return found;
}

async function strip(): Promise<readonly EgressRow[]> {
  const scope = mintTenantScope({ teamId, userId: id<UserId>() });
  const rows: EgressRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await own.database.withTenant(scope, (tx) => listEgressEvents(tx, workspaceId, { limit: 3, cursor }));
    rows.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return rows;
}

async function realJournal(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'casemate-journal-'));
  t.after(() => rm(directory, { recursive: true }));
  const journal = await openJournal({ directory });
  t.after(() => journal.close());
  return journal;
}

test('H8 what the broker journalled is in the trail of its team and in the strip of its workspace', async (t) => {
  const journal = await realJournal(t);
  for (let index = 0; index < 4; index++) journal.append('egress.allowed', egress(`host${index}.example.test`));
  journal.append('egress.refused', egress('refused.example.test'));
  journal.append('egress.closed', { sandboxId: id<SandboxId>(), host: 'x', port: 1 });
  const heard: string[] = [];
  await ingestUntil(
    { read: journal.read, onEgress: (row) => heard.push(row.host) },
    async () => (await strip()).length === 5,
  );
  assert.deepEqual(
    (await trail(teamId)).map((record) => record.event),
    ['egress.allowed', 'egress.allowed', 'egress.allowed', 'egress.allowed', 'egress.refused'],
  );
  const hosts = (await strip()).map((row) => row.host);
  assert.deepEqual(hosts, [
    'refused.example.test',
    'host3.example.test',
    'host2.example.test',
    'host1.example.test',
    'host0.example.test',
  ]);
  assert.deepEqual(heard, hosts.toReversed());
  assert.deepEqual(await trail('instance'), []);
});

test('H8 a crash between the trail and the acknowledgement repeats nothing', async () => {
  const records = chained([1, 2, 3].map((index) => ({ kind: 'egress.allowed', data: egress(`host${index}`) })));
  const store = createJournalStore(own.database);
  let failures = 2;
  const read = reader(() => records);
  await ingestUntil(
    {
      read,
      store: {
        ...store,
        save: async (...all) => {
          if (failures-- > 0) throw new Error('killed here');
          return store.save(...all);
        },
      },
    },
    async () => (await strip()).length === 3,
  );
  await ingestUntil({ read }, async () => true);
  assert.equal((await trail(teamId)).length, 3);
  assert.equal((await strip()).length, 3);
});

test('H8 a gap in the sequence becomes an event that says from where to where', async () => {
  const whole = chained([1, 2, 3, 4, 5].map(() => ({ kind: 'egress.allowed', data: egress('host') })));
  const records = whole.filter((record) => record.sequence !== 2 && record.sequence !== 3);
  await ingestUntil({ read: reader(() => records) }, async () => (await strip()).length === 3);
  assert.deepEqual(await trail('instance'), [
    { event: 'journal.gap', fields: { process: 'broker', expected: 2, found: 4 } },
  ]);
});

test('H8 a record that was altered becomes an event, and what follows is still taken over', async () => {
  const records = chained([1, 2, 3].map(() => ({ kind: 'egress.allowed', data: egress('host') })));
  const altered = records.map((record) => (record.sequence === 2 ? { ...record, data: egress('other') } : record));
  await ingestUntil({ read: reader(() => altered) }, async () => (await strip()).length === 3);
  assert.deepEqual(await trail('instance'), [{ event: 'journal.broken', fields: { process: 'broker', sequence: 2 } }]);
});

test('H8 a journal that was replaced by another one becomes an event and is taken over from its beginning', async () => {
  const before = chained([1, 2, 3].map(() => ({ kind: 'egress.allowed', data: egress('before') })));
  await ingestUntil({ read: reader(() => before) }, async () => (await strip()).length === 3);
  const replaced = chained([1, 2].map(() => ({ kind: 'egress.allowed', data: egress('after') })));
  await ingestUntil({ read: reader(() => replaced) }, async () => (await strip()).length === 5);
  assert.deepEqual(await trail('instance'), [{ event: 'journal.broken', fields: { process: 'broker', sequence: 3 } }]);
});

test('H8 a process that is down is asked again, and hostile values do not stop the rest', async () => {
  const records = chained([
    { kind: 'egress.allowed', data: { ...egress('nul\0\ud800'), port: 1e9, reason: 'x'.repeat(100_000) } },
    { kind: 'egress.refused', data: { ...egress('host'), port: -1 }, time: Number.MAX_SAFE_INTEGER },
    { kind: 'egress.refused', data: { teamId: 'not an id' } },
    { kind: 'sandbox.create', data: { teamId, sandboxId: id<SandboxId>(), tier: 'crun' } },
    { kind: 'egress.allowed', data: egress('last') },
  ]);
  let refusals = 2;
  const read = reader(() => records);
  await ingestUntil(
    {
      read: async (...all) => {
        if (refusals-- > 0) throw new Error('not there');
        return read(...all);
      },
    },
    async () => (await strip()).length === 3,
  );
  assert.deepEqual(
    (await trail(teamId)).map((record) => record.event),
    ['egress.allowed', 'egress.refused', 'warden.command', 'egress.allowed'],
  );
  assert.equal((await trail('instance')).length, 1);
});
