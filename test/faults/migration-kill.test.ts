import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { migrate, readMigrations } from '#database/migrate.ts';
import { migrationsDirectory, startPostgres, type TestPostgres, withClient } from '../support/start-database.ts';

const directory = mkdtempSync(join(tmpdir(), 'casemate-migration-kill-'));
let own: TestPostgres;
let url: string;

before(async () => {
  cpSync(migrationsDirectory, directory, { recursive: true });
  own = await startPostgres();
  url = own.postgres.ownerUrl;
  await migrate(url, directory);
  await withClient(url, async (client) => {
    await client.query('create table kept (value integer)');
    await client.query('insert into kept select generate_series(1, 1000)');
  });
  const next = String((await readMigrations(directory)).length + 1).padStart(4, '0');
  // It changes what is there, waits in its middle, and makes something new.
  writeFileSync(
    join(directory, `${next}-slow.sql`),
    'update kept set value = value + 1; select pg_sleep(1.5); create table made (value integer);',
  );
});

after(async () => {
  await own?.postgres.stop();
  for (const path of [directory, own?.directory])
    if (path !== undefined) rmSync(path, { recursive: true, force: true });
});

const state = () =>
  withClient(url, async (client) => ({
    sum: Number((await client.query<{ sum: string }>('select sum(value) as sum from kept')).rows[0]?.sum),
    made: (await client.query(`select from pg_class where relname = 'made'`)).rowCount,
  }));

async function inTheMiddle(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/migrate-once.ts'), url, directory], {
    stdio: 'ignore',
  });
  const sleeping = `select from pg_stat_activity where wait_event = 'PgSleep'`;
  for (let tries = 0; ; tries += 1) {
    assert.ok(tries < 200, 'the migration never came to its middle');
    if (await withClient(url, async (client) => (await client.query(sleeping)).rowCount === 1)) return child;
    await delay(25);
  }
}

function step(name: string, work: (t: TestContext) => Promise<void>): void {
  void test(name, { timeout: 60_000 }, work);
}

const untouched = { sum: 500_500, made: 0 };

step('kill -9 of PostgreSQL in the middle of a migration leaves the database as it was', async () => {
  const child = await inTheMiddle();
  const ended = once(child, 'exit');
  assert.ok(own.postgres.pid !== undefined);
  process.kill(own.postgres.pid, 'SIGKILL');
  assert.notEqual((await ended)[0], 0);
  await own.postgres.exited();
  await own.postgres.start();
  assert.deepEqual(await state(), untouched);
});

step('kill -9 of who migrates leaves the database as it was, and the next start completes it, once', async () => {
  const child = await inTheMiddle();
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  assert.deepEqual(await state(), untouched);
  // It waits for the lock that the killed one's connection still holds.
  assert.equal((await migrate(url, directory)).length, 1);
  assert.deepEqual(await state(), { sum: 501_500, made: 1 });
  assert.deepEqual(await migrate(url, directory), []);
});
