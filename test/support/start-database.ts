import { randomBytes } from 'node:crypto';
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';
import pg from 'pg';
import type { ServerConfig } from '#config/process.ts';
import type { Database } from '#database/database.ts';
import { openDatabase } from '#database/open-database.ts';
import { prepareDatabase } from '#database/prepare.ts';
import { embeddedPackageDirectory, hydrateBinaries } from '#main/postgres/binaries.ts';
import { clusterTemplate } from '#main/postgres/cluster-template.ts';
import { createPostgres, type Postgres } from '#main/postgres/postgres.ts';

const run = promisify(execFile);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export const migrationsDirectory = join(import.meta.dirname, '../../migrations');

/** As root: `nobody`, because PostgreSQL refuses root and initdb wants a user that has a name. */
export const postgresIdentity =
  process.getuid?.() === 0
    ? { uid: 65534, gid: 65534 }
    : { uid: process.getuid?.() ?? 65534, gid: process.getgid?.() ?? 65534 };

/** Stands for the group of the server, which may use the socket. */
export const socketGid = process.getuid?.() === 0 ? 1 : postgresIdentity.gid;

export interface TestPostgres {
  readonly postgres: Postgres;
  readonly directory: string;
  /** Connection string of the superuser, for `name`. */
  superuserUrl(name: string): string;
}

/** A PostgreSQL of the test's own under the temporary directory; the caller stops it and removes the directory. */
export async function startPostgres(): Promise<TestPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'casemate-database-'));
  await chmod(directory, 0o711);
  const socketDirectory = join(directory, 'run');
  await mkdir(socketDirectory);
  await chown(socketDirectory, postgresIdentity.uid, socketGid);
  // As in an installation: the socket takes the group of its directory, and only that group may pass.
  await chmod(socketDirectory, 0o2750);
  const postgres = createPostgres({
    binaries: await reachableBinaries(directory),
    // Where the launcher prepared one, as instances have it; a test file alone does without.
    template: process.env.CASEMATE_CACHE ? await clusterTemplate(embeddedPackageDirectory()) : null,
    directory: join(directory, 'pg'),
    socketDirectory,
    passwordsDirectory: join(directory, 'passwords'),
    identity: postgresIdentity,
    log: quiet,
  });
  await postgres.start();
  const superuserUrl = (name: string) => {
    const url = new URL(postgres.ownerUrl);
    url.username = 'casemate_superuser';
    url.password = postgres.passwords.superuser;
    url.pathname = `/${name}`;
    return url.href;
  };
  return { postgres, directory, superuserUrl };
}

/** The package's binaries, or a copy where the unprivileged user cannot reach the checkout. */
async function reachableBinaries(directory: string): Promise<string> {
  const installed = embeddedPackageDirectory();
  const binaries = await hydrateBinaries(installed);
  if (process.getuid?.() !== 0) return binaries;
  try {
    const { uid, gid } = postgresIdentity;
    await run('setpriv', [
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      'test',
      '-x',
      join(binaries, 'postgres'),
    ]);
    return binaries;
  } catch {
    // The exit status of `test` is the answer.
    await cp(dirname(binaries), join(directory, 'native'), { recursive: true, verbatimSymlinks: true });
    return join(directory, 'native/bin');
  }
}

let shared: Promise<TestPostgres> | undefined;
let template: Promise<void> | undefined;

/** The PostgreSQL of this process of the test run. */
export function sharedPostgres(): Promise<TestPostgres> {
  shared ??= startPostgres();
  return shared;
}

after(async () => {
  if (!shared) return;
  const { postgres, directory } = await shared;
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
});

export interface TestDatabase extends AsyncDisposable {
  readonly database: Database;
  /** What the configuration of a server says. */
  readonly logins: ServerConfig['database'];
  readonly owner: string;
  readonly superuser: string;
}

/** A fresh, migrated database of its own, copied from a template. */
export async function startDatabase(): Promise<TestDatabase> {
  const { postgres, superuserUrl } = await sharedPostgres();
  template ??= prepareDatabase({
    ownerUrl: postgres.ownerUrl,
    migrationsDirectory,
    passwords: postgres.passwords,
  }).then(() => undefined);
  await template;
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withClient(superuserUrl('postgres'), async (client) => {
    await client.query(`create database ${name} template casemate owner casemate_owner`);
    await client.query(`revoke all on database ${name} from public`);
    await client.query(`grant connect on database ${name} to casemate_request, casemate_jobs, casemate_auth`);
  });
  const at = (user: string, password: string) => {
    const url = new URL(superuserUrl(name));
    url.username = user;
    url.password = password;
    return url.href;
  };
  const request = at('casemate_request', postgres.passwords.request);
  const jobs = at('casemate_jobs', postgres.passwords.jobs);
  const contextKey = postgres.passwords.context;
  const auth = at('casemate_auth', postgres.passwords.auth);
  const logins = { request, jobs, auth, contextKey };
  const database = openDatabase({ ...logins, log: quiet });
  return {
    database,
    logins,
    owner: at('casemate_owner', postgres.passwords.owner),
    superuser: superuserUrl(name),
    // The database itself goes with its PostgreSQL, which may have been stopped before this.
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** A connection for the length of `work`, beside the rooms: tests look at what PostgreSQL really has. */
export async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
