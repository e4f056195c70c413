import { setTimeout as wait } from 'node:timers/promises';
import { isLocked } from '#main/up/lock.ts';
import type { DataPaths } from '#main/up/paths.ts';
import { readStatus } from '#main/up/status.ts';

const patienceMs = 60_000;

/** Asks the supervisor of a data directory to stop and waits until it has. False when none runs. */
export async function stopSupervisor(paths: DataPaths, signal: 'SIGTERM' | 'SIGUSR2'): Promise<boolean> {
  const status = readStatus(paths);
  if (!isLocked(paths) || !status) return false;
  process.kill(status.pid, signal);
  for (let waited = 0; isLocked(paths); waited += 100) {
    if (waited > patienceMs)
      throw new Error(`the supervisor (pid ${status.pid}) did not stop in ${patienceMs / 1000} s`);
    await wait(100);
  }
  return true;
}
