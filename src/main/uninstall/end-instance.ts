import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { endHolder, findHolders } from '#keeper/holder.ts';
import { endLeftover } from '#main/postgres/pid-file.ts';
import { runProgram } from '#main/prepare/program.ts';
import { findKeeper } from '#main/up/adopted-keeper.ts';
import type { DataPaths } from '#main/up/paths.ts';
import { readStatus } from '#main/up/status.ts';
import { createControlGroups } from '#warden/cgroup/control-groups.ts';
import { findHierarchies } from '#warden/cgroup/hierarchies.ts';

const postgresPatienceMs = 10_000;
const partPatienceMs = 15_000;

/**
 * Ends what an instance without a supervisor may have left: sandboxes, keeper, holders, PostgreSQL, mounts,
 * loop devices and control groups. Whatever was stopped cleanly before leaves nothing to do.
 */
export async function endInstance(paths: DataPaths, name: string): Promise<void> {
  await partsEnded(paths);
  const groups = createControlGroups(findHierarchies(readFileSync('/proc/self/mounts', 'utf8')));
  const parent = `/casemate-${name}`;
  await groups.kill(parent);
  await (await findKeeper(paths))?.stop();
  const keeperUid = lstatSync(paths.keeper, { throwIfNoEntry: false })?.uid;
  const silent = pino({ level: 'silent' });
  for (const holder of findHolders(paths.spool, silent, keeperUid).values()) endHolder(holder);
  const cluster = join(paths.pg, 'data');
  if (existsSync(cluster)) await endLeftover(cluster, postgresPatienceMs);
  for (const mount of mountsBelow([`/run/casemate-${name}`, paths.root])) await runProgram('umount', ['--lazy', mount]);
  for (const device of await loopDevicesOf(paths.root)) await runProgram('losetup', ['--detach', device]);
  await groups.remove(parent);
  await rm(`/run/casemate-${name}`, { recursive: true, force: true });
}

/** Without their supervisor server, warden and broker stop by themselves; what does not is killed. */
async function partsEnded(paths: DataPaths): Promise<void> {
  const pids = (readStatus(paths)?.parts ?? []).flatMap(({ name, pid }) => (name === 'keeper' || !pid ? [] : [pid]));
  const running = (): number[] => pids.filter((pid) => commandLineOf(pid).includes(paths.root));
  for (let waited = 0; running().length > 0 && waited < partPatienceMs; waited += 100) await wait(100);
  for (const pid of running()) process.kill(pid, 'SIGKILL');
}

/** Empty when the process is gone. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/** Mount points below these directories, the deepest first. The data directory itself may be the operator's own mount. */
function mountsBelow([run, root]: readonly [run: string, root: string]): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replaceAll('\\040', ' '))
    .filter((point) => point === run || point.startsWith(`${run}/`) || point.startsWith(`${root}/`))
    .toReversed();
}

/** Loop devices whose file lies in the data directory; those that a mount let go are gone by themselves. */
async function loopDevicesOf(root: string): Promise<string[]> {
  const list = await runProgram('losetup', ['--list', '--noheadings', '--raw', '--output', 'NAME,BACK-FILE']);
  return list
    .split('\n')
    .filter((line) => line.slice(line.indexOf(' ') + 1).startsWith(`${root}/`))
    .map((line) => line.slice(0, line.indexOf(' ')));
}
