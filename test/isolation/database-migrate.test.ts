import assert from 'node:assert/strict';
import { appendFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { getTableConfig } from 'drizzle-orm/pg-core';
import { migrate, readMigrations } from '#database/migrate.ts';
import { tables } from '#database/schema/tables.ts';
import { migrationsDirectory, sharedPostgres, startDatabase, withClient } from '../support/start-database.ts';

async function emptyDatabase(): Promise<string> {
  const { postgres, superuserUrl } = await sharedPostgres();
  const name = `empty_${Math.random().toString(36).slice(2)}`;
  await withClient(superuserUrl('postgres'), (client) => client.query(`create database ${name} owner casemate_owner`));
  const url = new URL(postgres.ownerUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function copyOfMigrations(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'casemate-migrations-'));
  t.after(() => rm(directory, { recursive: true }));
  await cp(migrationsDirectory, directory, { recursive: true });
  return directory;
}

test('migrators that race apply each file once', async () => {
  const url = await emptyDatabase();
  const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(url, migrationsDirectory)));
  const all = (await readMigrations(migrationsDirectory)).map((migration) => migration.name);
  assert.deepEqual(applied.flat(), all);
  assert.deepEqual(await migrate(url, migrationsDirectory), []);
});

test('a migration that was changed after it was applied stops the start', async (t) => {
  const url = await emptyDatabase();
  const directory = await copyOfMigrations(t);
  await migrate(url, directory);
  await appendFile(join(directory, '0002-identity.sql'), '\n-- an edit\n');
  await assert.rejects(migrate(url, directory), { code: 'conflict', message: /0002-identity\.sql is not the file/ });
});

test('a ledger that was changed stops the start', async () => {
  const url = await emptyDatabase();
  await migrate(url, migrationsDirectory);
  await withClient(url, (client) => client.query(`update schema_migrations set sha256 = 'x' where number = 3`));
  await assert.rejects(migrate(url, migrationsDirectory), { code: 'conflict' });
});

test('a database of a newer release is left alone', async (t) => {
  const url = await emptyDatabase();
  const directory = await copyOfMigrations(t);
  await writeFile(join(directory, '0099-later.sql'), 'select 1;');
  await assert.rejects(migrate(url, directory), /out of order/);
  await rm(join(directory, '0099-later.sql'));
  const count = (await readMigrations(directory)).length;
  const next = `${String(count + 1).padStart(4, '0')}-later.sql`;
  await writeFile(join(directory, next), 'create table later ();');
  await migrate(url, directory);
  await assert.rejects(migrate(url, migrationsDirectory), { code: 'conflict', message: /newer release/ });
});

test('a migration that fails leaves nothing of itself behind', async (t) => {
  const url = await emptyDatabase();
  const directory = await copyOfMigrations(t);
  await migrate(url, directory);
  const count = (await readMigrations(directory)).length;
  await writeFile(
    join(directory, `${String(count + 1).padStart(4, '0')}-broken.sql`),
    'create table half (); select 1 / 0;',
  );
  await assert.rejects(migrate(url, directory), /failed; the database is as it was/);
  await withClient(url, async (client) => {
    assert.equal((await client.query(`select from pg_class where relname = 'half'`)).rowCount, 0);
  });
});

test('names that are not NNNN-name.sql are refused', async (t) => {
  const directory = await copyOfMigrations(t);
  await writeFile(join(directory, 'notes.txt'), '');
  await assert.rejects(readMigrations(directory), /not named/);
});

test('the schema that queries are typed by is the one that the migrations make', async () => {
  await using own = await startDatabase();
  const found = await withClient(own.superuser, (client) =>
    client.query<{ column: string; type: string; required: boolean }>(
      `select table_name || '.' || column_name as column, is_nullable = 'NO' as required,
       case when data_type = 'ARRAY' then 'text[]' when data_type = 'timestamp with time zone'
       then 'timestamp (' || datetime_precision || ') with time zone' else data_type end as type
       from information_schema.columns where table_schema = 'public' and table_name <> 'schema_migrations'`,
    ),
  );
  const made = found.rows.map((row) => `${row.column} ${row.type}${row.required ? ' required' : ''}`);
  const typed = Object.values(tables).flatMap((table) => {
    const { name, columns } = getTableConfig(table);
    return columns.map((column) => `${name}.${column.name} ${column.getSQLType()}${column.notNull ? ' required' : ''}`);
  });
  assert.deepEqual(made.toSorted(), typed.toSorted());
});
