import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
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

/** The PostgreSQL processes at work in a data directory: the postmaster, and those that outlive it for a moment. */
async function processesIn(dataDirectory: string): Promise<number[]> {
  const directory = await realpath(dataDirectory);
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if ((await readlink(`/proc/${name}/cwd`)) !== directory) continue;
      // Not the shell of somebody who looks around there. The kernel marks a program that was replaced.
      const program = (await readlink(`/proc/${name}/exe`)).replace(/ \(deleted\)$/, '');
      if (basename(program) === 'postgres') found.push(Number(name));
    } catch (error) {
      // It ended meanwhile, or it is somebody else's.
      if (!['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return found;
}

/**
 * Ends a PostgreSQL that an earlier supervisor left behind, orphans of its postmaster too: a fast
 * shutdown first, after `patienceMs` an immediate one, which recovers at the next start. The pid
 * file is PostgreSQL's own guard and stays, unless the pid in it belongs to another program by now.
 */
export async function endLeftover(dataDirectory: string, patienceMs: number): Promise<void> {
  const file = await readPidFile(dataDirectory);
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    const running = await processesIn(dataDirectory);
    if (running.length === 0) break;
    // The postmaster ends its own children.
    for (const pid of file && running.includes(file.pid) ? [file.pid] : running) signalProcess(pid, signal);
    const deadline = Date.now() + patienceMs;
    while (Date.now() < deadline && (await processesIn(dataDirectory)).length > 0) await wait(20);
  }
  if ((await processesIn(dataDirectory)).length > 0) {
    throw new Error('a PostgreSQL that an earlier start left behind does not end');
  }
  const stale = await readPidFile(dataDirectory);
  if (stale && isRunning(stale.pid)) await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
