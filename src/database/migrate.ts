import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { CasemateError } from '#contract/errors.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  /** Of the file's bytes, hex. */
  readonly sha256: string;
}

/** Advisory locks are numbers; this one means "Casemate migrates". */
const migrationLock = '4851690114927001';

/** Reads `NNNN-name.sql` in order. Throws for other names, gaps and repeated numbers. */
export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const migrations: Migration[] = [];
  for (const name of (await readdir(directory)).toSorted()) {
    const match = /^(\d{4})-[a-z0-9-]+\.sql$/.exec(name);
    if (!match?.[1]) throw new Error(`migrations/${name} is not named NNNN-name.sql`);
    const bytes = await readFile(join(directory, name));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    migrations.push({ number: Number(match[1]), name, text: bytes.toString('utf8'), sha256 });
  }
  for (const [index, migration] of migrations.entries()) {
    if (migration.number !== index + 1) throw new Error(`migrations/${migration.name} is out of order`);
  }
  if (migrations.length === 0) throw new Error(`there are no migrations in ${directory}`);
  return migrations;
}

/**
 * Brings the database up to date as its owner, one transaction a file, and answers with the names
 * it applied. Two that start at once take turns. Refuses (CasemateError `conflict`) a file that was
 * changed after it was applied, and a database that a newer release made.
 */
export async function migrate(ownerUrl: string, directory: string): Promise<readonly string[]> {
  const migrations = await readMigrations(directory);
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  // The query under way rejects as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await requireVersion(client);
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    await client.query(
      `create table if not exists schema_migrations (number integer primary key, name text not null,
       sha256 text not null, applied_at timestamptz(3) not null default now())`,
    );
    return await applyMissing(client, migrations);
  } finally {
    // The lock goes with the connection.
    await client.end();
  }
}

async function requireVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::integer as version`,
  );
  const version = rows[0]?.version ?? 0;
  if (version < 150_000) {
    throw new CasemateError('conflict', `PostgreSQL ${Math.floor(version / 10_000)} is too old; 15 or newer is needed`);
  }
}

async function applyMissing(client: pg.Client, migrations: readonly Migration[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ number: number; name: string; sha256: string }>(
    'select number, name, sha256 from schema_migrations order by number',
  );
  for (const [index, row] of rows.entries()) {
    const migration = migrations[index];
    if (!migration) {
      throw new CasemateError(
        'conflict',
        `the database was made by a newer release: it has ${row.name}. Nothing was changed; start that release or a newer one`,
      );
    }
    if (migration.number !== row.number || migration.name !== row.name || migration.sha256 !== row.sha256) {
      throw new CasemateError(
        'conflict',
        `migrations/${migration.name} is not the file that was applied; put it back and add a new one instead`,
      );
    }
  }
  const applied: string[] = [];
  for (const migration of migrations.slice(rows.length)) {
    try {
      await client.query('begin');
      await client.query(migration.text);
      await client.query('insert into schema_migrations (number, name, sha256) values ($1, $2, $3)', [
        migration.number,
        migration.name,
        migration.sha256,
      ]);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw new Error(`migrations/${migration.name} failed; the database is as it was before it`, { cause: error });
    }
    applied.push(migration.name);
  }
  return applied;
}
