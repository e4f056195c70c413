import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { CasemateError } from '#contract/errors.ts';
import { scramVerifier } from '#database/login-roles.ts';
import { initdbArguments, superuser } from '#main/postgres/cluster-template.ts';
import { spawnAs, type ProcessIdentity } from '#main/postgres/run-as.ts';

const execFileAsync = promisify(execFile);

export interface ClusterOptions {
  readonly binaries: string;
  readonly directory: string;
  /** An empty cluster of these binaries to copy, if there is one: initdb takes longer than all the rest of a start. */
  readonly template: string | null;
  readonly identity: ProcessIdentity;
  readonly superuserPassword: string;
}

export interface Cluster {
  readonly data: string;
  /** PostgreSQL's major version. */
  readonly major: number;
  /** Made now, and not yet flushed to the disk. */
  readonly fresh: boolean;
}

/**
 * Makes the cluster `<directory>/data` unless it is there: made beside and renamed, so that a start
 * which was killed leaves no half of one. `flushCluster` is still to be called for a fresh one.
 */
export async function initializeCluster(of: ClusterOptions): Promise<Cluster> {
  const { uid, gid } = of.identity;
  await mkdir(of.directory, { recursive: true, mode: 0o700 });
  await chmod(of.directory, 0o700);
  await chown(of.directory, uid, gid);
  const data = join(of.directory, 'data');
  if (await exists(join(data, 'PG_VERSION'))) {
    await requireSameVersion(of.binaries, data);
    return { data, major: await majorOf(data), fresh: false };
  }
  const fresh = join(of.directory, 'data.new');
  await rm(fresh, { recursive: true, force: true });
  if (of.template !== null && (await exists(of.template))) await copyCluster(of, of.template, fresh);
  else await makeCluster(of, fresh);
  // Nothing but the Unix socket, and a password on it, whoever asks.
  await writeFile(join(fresh, 'pg_hba.conf'), 'local all all scram-sha-256\n', { mode: 0o600 });
  await rename(fresh, data);
  return { data, major: await majorOf(data), fresh: true };
}

/** Brings a fresh cluster to the disk. PostgreSQL may run on it already: what it writes it flushes itself. */
export async function flushCluster(of: ClusterOptions, data: string): Promise<void> {
  await run(of, 'initdb', ['--sync-only', `--pgdata=${data}`]);
}

async function makeCluster(of: ClusterOptions, fresh: string): Promise<void> {
  const passwordFile = join(of.directory, 'initial.password');
  try {
    await writeFile(passwordFile, of.superuserPassword, { mode: 0o600 });
    await chown(passwordFile, of.identity.uid, of.identity.gid);
    await run(of, 'initdb', [...initdbArguments(fresh), `--pwfile=${passwordFile}`, '--no-sync']);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Clusters of one template share their system identifier, which only replication between them would mind. */
async function copyCluster(of: ClusterOptions, template: string, fresh: string): Promise<void> {
  const copy = 'umask 077; exec cp -R --reflink=auto -- "$1" "$2"';
  await runAs(of, '/bin/sh', ['-c', copy, 'sh', template, fresh]);
  // Without a server: nobody can connect while the template's password is still in force.
  const statement = `alter role ${superuser} password '${scramVerifier(of.superuserPassword)}'\n`;
  await run(of, 'postgres', ['--single', '-F', '-c', 'exit_on_error=on', '-D', fresh, 'postgres'], statement);
}

/** PostgreSQL's files are of one major version; another must not open them. */
async function requireSameVersion(binaries: string, data: string): Promise<void> {
  const made = await majorOf(data);
  const { stdout } = await execFileAsync(join(binaries, 'postgres'), ['--version']);
  const here = Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1]);
  if (made !== here) {
    throw new CasemateError(
      'conflict',
      `The database was made by PostgreSQL ${made} and this one is ${here}; nothing was touched. Use the release that made it, or give its binaries by CASEMATE_POSTGRES_BIN.`,
    );
  }
}

const run = (of: ClusterOptions, program: string, list: readonly string[], input?: string): Promise<void> =>
  runAs(of, join(of.binaries, program), list, input);

async function runAs(of: ClusterOptions, program: string, list: readonly string[], input?: string): Promise<void> {
  const child = spawnAs(of.identity, program, list, {
    cwd: of.directory,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
    deathSignal: 'KILL',
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  // When it ends before it has read, its exit code says so.
  child.stdin?.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${basename(program)} failed (exit ${code ?? 'by signal'}): ${said.trim()}`);
}

const majorOf = async (data: string): Promise<number> => Number(await readFile(join(data, 'PG_VERSION'), 'utf8'));

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
