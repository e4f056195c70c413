import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { CasemateError } from '#contract/errors.ts';
import type { Log } from '#channel/log.ts';
import { provisionDatabase } from '#database/provision.ts';
import { superuser } from '#main/postgres/cluster-template.ts';
import { flushCluster, initializeCluster } from '#main/postgres/initialize.ts';
import { loadPasswords, type Passwords } from '#main/postgres/passwords.ts';
import { endLeftover, readPidFile } from '#main/postgres/pid-file.ts';
import { spawnAs, type ProcessIdentity } from '#main/postgres/run-as.ts';

export interface PostgresOptions {
  /** Holds `postgres` and `initdb`: `hydrateBinaries`, or the distribution's own. */
  readonly binaries: string;
  /** An empty cluster of these binaries, from `clusterTemplate`; null, or one that is not there: initdb makes it. */
  readonly template: string | null;
  /** `<directory>/data` is the cluster; made 0700, owned by `identity`. */
  readonly directory: string;
  /** Exists; PostgreSQL's user may write it and the server's group may pass. At most 90 bytes. */
  readonly socketDirectory: string;
  /** 0600 files; made 0700, of the supervisor's own user. */
  readonly passwordsDirectory: string;
  readonly identity: ProcessIdentity;
  readonly log: Log;
}

export interface Postgres {
  /** Initializes at the first time, starts, and resolves when connections are taken. May be called again after an exit. */
  start(): Promise<void>;
  /** Resolves when the files of a cluster that was made by `start` are on the disk; at once for an older one. */
  flushed(): Promise<void>;
  /** A fast shutdown: transactions under way are rolled back; after ten seconds an immediate one. */
  stop(): Promise<void>;
  /** Resolves when the process that runs now has ended, wanted or not; at once when none runs. */
  exited(): Promise<void>;
  /** The pid of the process that runs. */
  readonly pid: number | undefined;
  /** Connection string of the owner, for migrations. Only after `start`. */
  readonly ownerUrl: string;
  /** Only after `start`. */
  readonly passwords: Passwords;
}

const database = 'casemate';
const owner = 'casemate_owner';
const readinessMs = 60_000;
const stopMs = 10_000;

const settings = (socketDirectory: string, major: number): readonly string[] =>
  [
    'listen_addresses=',
    `unix_socket_directories=${socketDirectory}`,
    'unix_socket_permissions=0770',
    'password_encryption=scram-sha-256',
    'max_connections=60',
    'shared_buffers=32MB',
    'jit=off',
    'max_logical_replication_workers=0',
    // Without it three more processes read ahead, in a database that fits into its buffers.
    ...(major >= 18 ? ['io_method=sync'] : []),
    'timezone=UTC',
    'log_timezone=UTC',
    // Values of rows and statements do not belong into a log.
    'log_error_verbosity=terse',
    'log_min_error_statement=panic',
    'log_parameter_max_length=0',
    'log_parameter_max_length_on_error=0',
  ].flatMap((setting) => ['-c', setting]);

/** A PostgreSQL of our own: on a Unix socket only, never as root, a password for everybody. */
export function createPostgres(options: PostgresOptions): Postgres {
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let flushed: Promise<void> = Promise.resolve();
  let passwords: Passwords | undefined;

  const known = (): Passwords => {
    if (!passwords) throw new Error('PostgreSQL was not started yet');
    return passwords;
  };
  const url = (user: string, password: string, name: string) =>
    `postgresql://${user}:${password}@${encodeURIComponent(options.socketDirectory)}/${name}`;

  async function waitUntilReady(data: string, started: ChildProcess): Promise<void> {
    const deadline = Date.now() + readinessMs;
    while (Date.now() < deadline) {
      if (started.exitCode !== null || started.signalCode !== null) {
        throw new CasemateError('unavailable', 'PostgreSQL ended while it started; its log says why');
      }
      const file = await readPidFile(data);
      if (file?.ready && file.pid === started.pid) return;
      await wait(10);
    }
    throw new CasemateError('unavailable', 'PostgreSQL did not become ready within a minute');
  }

  async function stop(): Promise<void> {
    const running = child;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    running.kill('SIGINT');
    const late = AbortSignal.timeout(stopMs);
    try {
      await once(running, 'exit', { signal: late });
    } catch (error) {
      if (!late.aborted) throw error;
      options.log.warn({}, 'PostgreSQL did not end in time; it recovers at the next start');
      running.kill('SIGQUIT');
    }
    await ended;
  }

  return {
    async start() {
      if (process.getuid?.() === 0 && options.identity.uid === 0) throw new Error('PostgreSQL must not run as root');
      if (Buffer.byteLength(options.socketDirectory) > 90)
        throw new Error('the path of the socket directory is too long');
      passwords ??= await loadPasswords(options.passwordsDirectory);
      const of = { ...options, superuserPassword: passwords.superuser };
      const { data, major, fresh } = await initializeCluster(of);
      if (fresh) {
        flushed = flushCluster(of, data);
        // Whoever needs it awaits it.
        flushed.catch(() => undefined);
      } else await endLeftover(data, stopMs);
      const started = spawnAs(
        options.identity,
        join(options.binaries, 'postgres'),
        ['-D', data, ...settings(options.socketDirectory, major)],
        { cwd: options.directory, stdio: ['ignore', 'ignore', 'pipe'], deathSignal: 'INT' },
      );
      child = started;
      ended = new Promise((resolve) => {
        started.once('error', (error) => {
          options.log.error({ err: error }, 'PostgreSQL could not be started');
          resolve();
        });
        started.once('close', () => resolve());
      });
      if (started.stderr) {
        createInterface({ input: started.stderr }).on('line', (line) => options.log.info({ part: 'postgresql' }, line));
      }
      try {
        await waitUntilReady(data, started);
        await provisionDatabase(url(superuser, passwords.superuser, 'postgres'), {
          owner,
          ownerPassword: passwords.owner,
          database,
        });
      } catch (error) {
        await stop();
        throw error;
      }
    },
    flushed: () => flushed,
    stop,
    exited: () => ended,
    get pid() {
      return child?.exitCode === null && child.signalCode === null ? child.pid : undefined;
    },
    get ownerUrl() {
      return url(owner, known().owner, database);
    },
    get passwords() {
      return known();
    },
  };
}
