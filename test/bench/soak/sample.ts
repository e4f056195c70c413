import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { temporaryInstance } from '../../support/instance.ts';

type Instance = Awaited<ReturnType<typeof temporaryInstance>>;

/** Figures of one moment by the name of their series; `lives` tells which process a series was read from. */
export interface Sample {
  readonly second: number;
  readonly figures: ReadonlyMap<string, number>;
  readonly lives: ReadonlyMap<string, number>;
}

/** What `read` finds, or `otherwise` when the process or file went while it was looked at. */
function orGone<Result>(read: () => Result, otherwise: Result): Result {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}

const entries = (directory: string): string[] => orGone(() => readdirSync(directory), []);
const text = (file: string): string => orGone(() => readFileSync(file, 'latin1'), '');
const field = (file: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text(file))?.[1] ?? 0);

function childrenOf(parent: number): number[] {
  return entries(`/proc/${parent}/task`).flatMap((task) =>
    text(`/proc/${parent}/task/${task}/children`).trim().split(' ').filter(Boolean).map(Number),
  );
}

/** Pids of our processes by name; a process that is being started again is left out. */
export function ownProcesses(instance: Instance): Map<string, number> {
  const { pid, parts } = instance.status();
  const found = new Map([['up', pid]]);
  for (const part of parts) if (part.pid !== null && part.state === 'ready') found.set(part.name, part.pid);
  const warden = found.get('warden');
  const broker =
    warden === undefined
      ? undefined
      : childrenOf(warden).find((child) => text(`/proc/${child}/cmdline`).includes('broker'));
  if (broker !== undefined) found.set('broker', broker);
  return found;
}

/** Files and directories below `directory`, itself not counted, on all file systems below it. */
function inodesBelow(directory: string): number {
  return orGone(() => readdirSync(directory, { recursive: true }).length, 0);
}

/** Mounts, control groups, loop devices and directories that carry the instance's name. */
export function tracesOf(instance: Instance): Map<string, number> {
  const { instance: name } = JSON.parse(text(join(instance.data, 'config/warden.json'))) as { instance: string };
  const groups = entries('/sys/fs/cgroup')
    .map((controller) => `/sys/fs/cgroup/${controller}/casemate-${name}`)
    .concat(`/sys/fs/cgroup/casemate-${name}`)
    .filter((path) => existsSync(path))
    .map((path) => orGone(() => readdirSync(path, { recursive: true, withFileTypes: true }), []))
    .reduce((sum, found) => sum + found.filter((entry) => entry.isDirectory()).length, 0);
  const loops = entries('/sys/block').filter((device) =>
    text(`/sys/block/${device}/loop/backing_file`).startsWith(instance.data),
  );
  const mounts = text('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line.includes(`casemate-${name}`) || line.includes(instance.data));
  const runtime = join(instance.data, 'warden/runtime/crun');
  return new Map([
    ['mounts', mounts.length],
    ['control groups', groups],
    ['loop devices', loops.length],
    ['directories in /run', entries(`/run/casemate-${name}`).length],
    ["crun's records", entries(runtime).length],
    ['sandboxes on disk', entries(join(instance.data, 'warden/sandboxes')).length],
    ['holders', holders(instance)],
  ]);
}

/** Holder processes of all terminals, also of a keeper that is gone. */
function holders(instance: Instance): number {
  const mark = `CASEMATE_SPOOL=${instance.data}/`;
  return entries('/proc').filter((name) => /^\d+$/.test(name) && text(`/proc/${name}/environ`).includes(mark)).length;
}

/** Reads everything; takes some ten milliseconds. Needs root. */
export function readSample(instance: Instance, second: number): Sample {
  const figures = new Map<string, number>();
  const lives = new Map<string, number>();
  const put = (name: string, value: number, life = 0): void => {
    figures.set(name, value);
    lives.set(name, life);
  };
  for (const [name, pid] of ownProcesses(instance)) {
    const family = name === 'PostgreSQL' ? [pid, ...childrenOf(pid)] : [pid];
    // Of its own: a share of mapped files would change with strangers' programs that end, and buffers fill up.
    const anonymous = family.reduce((sum, one) => sum + field(`/proc/${one}/smaps_rollup`, 'Pss_Anon'), 0);
    // A process that is gone reads as nothing, which is no sample of it.
    if (anonymous === 0) continue;
    put(`${name}: memory, MB`, (anonymous * 1024) / 1_000_000, pid);
    put(
      `${name}: descriptors`,
      family.reduce((sum, one) => sum + entries(`/proc/${one}/fd`).length, 0),
      pid,
    );
    put(
      `${name}: threads`,
      family.reduce((sum, one) => sum + field(`/proc/${one}/status`, 'Threads'), 0),
      pid,
    );
  }
  for (const [name, value] of tracesOf(instance)) put(name, value);
  for (const part of ['keeper', 'broker', 'warden']) {
    const segments = entries(join(instance.data, part, 'journal')).filter((file) => file.endsWith('.jsonl'));
    put(`${part}: journal segments`, segments.length);
  }
  const recordings = entries(join(instance.data, 'recordings')).length;
  put('recordings', recordings);
  put(
    'inodes of the data directory, recordings apart',
    ['keeper', 'broker', 'server', 'warden', 'run', 'log', 'pg', 'config', 'signer', 'spool']
      .map((part) => inodesBelow(join(instance.data, part)))
      .reduce((sum, count) => sum + count, 0),
  );
  return { second, figures, lives };
}
