import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CasemateError } from '#contract/errors.ts';
import { spawnAs, type ProcessIdentity } from '#main/postgres/run-as.ts';

const execFileAsync = promisify(execFile);

export const superuser = 'casemate_superuser';

/**
 * Makes the cluster `<directory>/data` unless it is there: made beside and renamed, so that a start
 * which was killed leaves no half of one. Answers with the data directory.
 */
export async function initializeCluster(of: {
  readonly binaries: string;
  readonly directory: string;
  readonly identity: ProcessIdentity;
  readonly superuserPassword: string;
}): Promise<string> {
  const { uid, gid } = of.identity;
  await mkdir(of.directory, { recursive: true, mode: 0o700 });
  await chmod(of.directory, 0o700);
  await chown(of.directory, uid, gid);
  const data = join(of.directory, 'data');
  if (await exists(join(data, 'PG_VERSION'))) {
    await requireSameVersion(of.binaries, data);
    return data;
  }
  const fresh = join(of.directory, 'data.new');
  const passwordFile = join(of.directory, 'initial.password');
  await rm(fresh, { recursive: true, force: true });
  try {
    await writeFile(passwordFile, of.superuserPassword, { mode: 0o600 });
    await chown(passwordFile, uid, gid);
    await run(of.identity, of.directory, join(of.binaries, 'initdb'), [
      `--pgdata=${fresh}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth-local=scram-sha-256',
      '--auth-host=reject',
      '--data-checksums',
      '--encoding=UTF8',
      '--no-locale',
      '--no-instructions',
    ]);
  } finally {
    await rm(passwordFile, { force: true });
  }
  // Nothing but the Unix socket, and a password on it, whoever asks.
  await writeFile(join(fresh, 'pg_hba.conf'), 'local all all scram-sha-256\n', { mode: 0o600 });
  await rename(fresh, data);
  return data;
}

/** PostgreSQL's files are of one major version; another must not open them. */
async function requireSameVersion(binaries: string, data: string): Promise<void> {
  const made = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  const { stdout } = await execFileAsync(join(binaries, 'postgres'), ['--version']);
  const here = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  if (made !== here) {
    throw new CasemateError(
      'conflict',
      `The database was made by PostgreSQL ${made} and this one is ${here ?? 'unknown'}; nothing was touched. Use the release that made it, or give its binaries by CASEMATE_POSTGRES_BIN.`,
    );
  }
}

async function run(identity: ProcessIdentity, cwd: string, program: string, list: readonly string[]): Promise<void> {
  const child = spawnAs(identity, program, list, { cwd, stdio: ['ignore', 'ignore', 'pipe'], deathSignal: 'KILL' });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`initdb failed (exit ${code ?? 'by signal'}): ${said.trim()}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
