import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { DataPaths } from '#main/up/paths.ts';
import type { Startable } from '#main/up/supervised.ts';

const recordSchema = z.strictObject({ pid: z.number().int().min(2), startTicks: z.string() });

/** Field 22 of /proc/<pid>/stat: when it started. With the pid it names one process for good. */
function startTicksOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Remembers which process the keeper is, for a supervisor that comes later. */
export function recordKeeper(paths: DataPaths, pid: number): void {
  writeFileSync(paths.keeperPid, JSON.stringify({ pid, startTicks: startTicksOf(pid) ?? '' }), { mode: 0o600 });
}

/** The keeper that an earlier supervisor left at work, or null when there is none. Never two on one spool. */
export async function findKeeper(paths: DataPaths): Promise<Startable | null> {
  if (!existsSync(paths.keeperPid)) return null;
  const parsed = recordSchema.safeParse(JSON.parse(readFileSync(paths.keeperPid, 'utf8')));
  const alive = (): boolean => parsed.success && startTicksOf(parsed.data.pid) === parsed.data.startTicks;
  if (!parsed.success || !alive()) {
    rmSync(paths.keeperPid, { force: true });
    return null;
  }
  const { pid } = parsed.data;
  const end = async (): Promise<void> => {
    process.kill(pid, 'SIGTERM');
    for (let waited = 0; alive(); waited += 50) {
      if (waited >= 5000) process.kill(pid, 'SIGKILL');
      await wait(50);
    }
  };
  if (!(await answers(join(paths.run.keeper, 'keeper.sock')))) {
    // It lives and does not listen: a fresh one takes the terminals over from their holders.
    await end();
    return null;
  }
  return {
    pid,
    ended: (async () => {
      while (alive()) await wait(250);
      return 'ended';
    })(),
    stop: end,
  };
}

function answers(socket: string): Promise<boolean> {
  return new Promise((settle) => {
    const connection = connect(socket);
    const done = (answer: boolean) => (): void => {
      connection.destroy();
      settle(answer);
    };
    connection.setTimeout(2000, done(false));
    connection.once('connect', done(true));
    connection.once('error', done(false));
  });
}
