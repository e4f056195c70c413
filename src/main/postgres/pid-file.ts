import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** What `postmaster.pid` says: line 1 is the pid, line 8 the status. */
export interface PidFile {
  readonly pid: number;
  readonly ready: boolean;
}

/** Undefined when there is none, or it is being written. */
export async function readPidFile(dataDirectory: string): Promise<PidFile | undefined> {
  try {
    const lines = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n');
    const pid = Number(lines[0]);
    if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
    return { pid, ready: lines[7]?.trim() === 'ready' };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether `pid` is a process at work in this data directory: a pid may have been given to another since. */
export async function worksIn(pid: number, dataDirectory: string): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataDirectory));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return false;
    throw error;
  }
}

/**
 * Ends a PostgreSQL that an earlier supervisor left behind, and removes a pid file whose process is
 * gone. A fast shutdown first; after `patienceMs` an immediate one, which recovers at the next start.
 */
export async function endLeftover(dataDirectory: string, patienceMs: number): Promise<void> {
  const found = await readPidFile(dataDirectory);
  if (!found) return;
  if (!(await worksIn(found.pid, dataDirectory))) {
    await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
    return;
  }
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    signalProcess(found.pid, signal);
    const deadline = Date.now() + patienceMs;
    while (Date.now() < deadline) {
      if (!(await worksIn(found.pid, dataDirectory))) {
        await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
        return;
      }
      await wait(20);
    }
  }
  throw new Error(`a PostgreSQL (pid ${found.pid}) that an earlier start left behind does not end`);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
