import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { openDatabase } from '#database/open-database.ts';
import { prepareDatabase } from '#database/prepare.ts';
import { embeddedPackageDirectory } from '#main/postgres/binaries.ts';
import { ensureClusterTemplate } from '#main/postgres/cluster-template.ts';
import {
  migrationsDirectory,
  postgresIdentity,
  socketGid,
  startPostgres,
  withClient,
} from '../support/start-database.ts';

async function ownPostgres(t: { after(work: () => Promise<void>): void }) {
  const own = await startPostgres();
  t.after(async () => {
    await own.postgres.stop();
    await rm(own.directory, { recursive: true, force: true });
  });
  return { ...own, data: join(own.directory, 'pg/data') };
}

test('PostgreSQL listens on a Unix socket only, unprivileged, in a directory of its own', async (t) => {
  const { postgres, directory, data, superuserUrl } = await ownPostgres(t);
  const status = await readFile(`/proc/${postgres.pid}/status`, 'utf8');
  assert.match(status, new RegExp(`^Uid:\\t${postgresIdentity.uid}\\t`, 'm'));
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^CapEff:\t0+$/m);
  assert.equal((await stat(data)).mode & 0o777, 0o700);
  const socket = await stat(join(directory, 'run/.s.PGSQL.5432'));
  assert.deepEqual([socket.mode & 0o777, socket.gid], [0o770, socketGid]);
  for (const name of await readdir(join(directory, 'passwords'))) {
    assert.equal((await stat(join(directory, 'passwords', name))).mode & 0o777, 0o600);
  }
  await withClient(superuserUrl('postgres'), async (client) => {
    const settings = await client.query<{ name: string; setting: string }>(
      `select name, setting from pg_settings where name in
       ('listen_addresses', 'data_checksums', 'password_encryption', 'fsync', 'full_page_writes') order by name`,
    );
    assert.deepEqual(
      settings.rows.map((row) => `${row.name}=${row.setting}`),
      [
        'data_checksums=on',
        'fsync=on',
        'full_page_writes=on',
        'listen_addresses=',
        'password_encryption=scram-sha-256',
      ],
    );
    const rules = await client.query<{ rule: string }>(
      `select concat_ws(' ', type, auth_method) as rule from pg_hba_file_rules`,
    );
    assert.deepEqual(
      rules.rows.map((row) => row.rule),
      ['local scram-sha-256'],
    );
  });
});

test('a wrong password and a missing one are refused', async (t) => {
  const { postgres } = await ownPostgres(t);
  const wrong = new URL(postgres.ownerUrl);
  wrong.password = 'wrong';
  await assert.rejects(
    withClient(wrong.href, async () => undefined),
    { code: '28P01' },
  );
});

test('clusters that are copied from one template have passwords of their own', async (t) => {
  const cache = await mkdtemp('/tmp/casemate-clusters-');
  await chmod(cache, 0o755);
  const before = process.env.CASEMATE_CACHE;
  process.env.CASEMATE_CACHE = cache;
  t.after(async () => {
    if (before === undefined) delete process.env.CASEMATE_CACHE;
    else process.env.CASEMATE_CACHE = before;
    await rm(cache, { recursive: true });
  });
  await ensureClusterTemplate(embeddedPackageDirectory());
  const one = await ownPostgres(t);
  const two = await ownPostgres(t);
  await Promise.all([one.postgres.flushed(), two.postgres.flushed()]);
  const crossed = new URL(one.superuserUrl('postgres'));
  crossed.password = two.postgres.passwords.superuser;
  await assert.rejects(
    withClient(crossed.href, async () => undefined),
    { code: '28P01' },
  );
  await withClient(one.superuserUrl('postgres'), async (client) => {
    const { rows } = await client.query('show data_checksums');
    assert.deepEqual(rows, [{ data_checksums: 'on' }]);
  });
  const modes = new Set<number>();
  for (const name of await readdir(one.data)) modes.add((await stat(join(one.data, name))).mode & 0o077);
  assert.deepEqual([...modes], [0]);
});

test('a restart of PostgreSQL neither ends the server nor needs one', async (t) => {
  const { postgres } = await ownPostgres(t);
  const prepared = await prepareDatabase({
    ownerUrl: postgres.ownerUrl,
    migrationsDirectory,
    passwords: postgres.passwords,
  });
  const warnings: string[] = [];
  await using database = openDatabase({ ...prepared, log: { warn: (_fields, message) => warnings.push(message) } });
  await database.ping();
  await postgres.stop();
  await assert.rejects(database.ping(), { code: 'unavailable' });
  await assert.rejects(
    database.withAuth(async () => undefined),
    { code: 'unavailable' },
  );
  await postgres.start();
  await database.ping();
  assert.ok(warnings.length > 0);
});

test('a PostgreSQL that its supervisor left behind is ended before a new one starts', async (t) => {
  const { postgres } = await ownPostgres(t);
  const before = postgres.pid;
  assert.ok(before);
  // The same as a supervisor that was killed and forgot what ran.
  await postgres.start();
  assert.notEqual(postgres.pid, before);
  await assert.rejects(access(`/proc/${before}`), { code: 'ENOENT' });
});

test('a pid file that names another process by now does not keep PostgreSQL from starting', async (t) => {
  const { postgres, data } = await ownPostgres(t);
  await postgres.stop();
  const lines = [String(process.pid), data, '0', '5432', '', '', '', 'ready', ''];
  await writeFile(join(data, 'postmaster.pid'), lines.join('\n'));
  await chmod(join(data, 'postmaster.pid'), 0o600);
  await postgres.start();
  assert.ok(postgres.pid);
  process.kill(process.pid, 0);
});

test('a cluster of another major version is not touched', async (t) => {
  const { postgres, data } = await ownPostgres(t);
  await postgres.stop();
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8');
  await writeFile(join(data, 'PG_VERSION'), '14\n');
  await assert.rejects(postgres.start(), { code: 'conflict', message: /PostgreSQL 14/ });
  await writeFile(join(data, 'PG_VERSION'), version);
  await postgres.start();
});

test('kill -9 of the supervisor ends PostgreSQL too, in good order', async (t) => {
  const supervisor = spawn(process.execPath, [join(import.meta.dirname, '../support/postgres-supervisor.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => supervisor.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: supervisor.stdout }), 'line')) as [string];
  const { pid, directory } = JSON.parse(line) as { pid: number; directory: string };
  t.after(() => rm(directory, { recursive: true, force: true }));
  await access(`/proc/${pid}`);
  supervisor.kill('SIGKILL');
  const deadline = Date.now() + 10_000;
  while (existsSync(`/proc/${pid}`) && Date.now() < deadline) await wait(50);
  assert.ok(!existsSync(`/proc/${pid}`), 'PostgreSQL is still there');
  // A shutdown removes it; a crash leaves it behind.
  assert.ok(!existsSync(join(directory, 'pg/data/postmaster.pid')));
});
