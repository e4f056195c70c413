import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Terminal, Workspace } from '#contract/api.ts';
import { casemate, temporaryInstance } from '../support/instance.ts';
import { aloneKiB, memoryOfTree } from '../support/memory-of-tree.ts';
import { sandboxProcesses } from '../support/process-memory.ts';
import { percentile } from './percentile.ts';
import type { BenchRow } from './row.ts';
import { signedInInstance } from './signed-in-instance.ts';

const starts = 5;
const quietMs = 20_000;
/** Those that are measured, after those that fill the heaps of our processes; together within a team's limit. */
const sandboxes = 10;
const warmUp = 8;
/** How many Node processes an instance is: up, keeper, warden, broker, server. */
const nodeProcesses = 5;

const megabytes = (kib: number): number => (kib * 1024) / 1_000_000;

/** A Node that does nothing. */
const bareNode = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)'], { stdio: 'ignore', env: {} });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** `up` of a new data directory on a machine that has everything, against as many starts of a bare Node in a row. */
async function measureStarts(): Promise<BenchRow> {
  const times: number[] = [];
  const floors: number[] = [];
  for (let turn = 0; turn <= starts; turn += 1) {
    await using instance = await temporaryInstance();
    const seconds = await timed(async () => {
      const { code, output } = await casemate(['up', '--detach', ...instance.flags]);
      if (code !== 0) throw new Error(output);
    });
    const floor = await timed(async () => {
      for (let process_ = 0; process_ < nodeProcesses; process_ += 1) {
        await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
      }
    });
    // The first one may find something to build.
    if (turn === 0) continue;
    times.push(seconds);
    floors.push(floor);
  }
  return {
    name: 'second start, new data directory, p50',
    unit: 's',
    value: percentile(times, 0.5),
    floor: percentile(floors, 0.5),
    goals: [{ of: 'value', atMost: 5 }],
  };
}

async function bareNodesKiB(): Promise<number> {
  const bare = Array.from({ length: nodeProcesses }, bareNode);
  await delay(2000);
  const memory = bare.flatMap(({ pid }) => memoryOfTree(pid ?? 0));
  for (const child of bare) child.kill('SIGKILL');
  return aloneKiB(memory);
}

type Instance = Awaited<ReturnType<typeof signedInInstance>>;

function measureIdle({ instance }: Instance, floorKiB: number): BenchRow[] {
  const all = memoryOfTree(instance.status().pid);
  const named = (name: string, pids: readonly number[]): BenchRow => ({
    name: `idle, ${name}, PSS`,
    unit: 'MB',
    value: megabytes(all.filter(({ pid }) => pids.includes(pid)).reduce((sum, { pss }) => sum + pss, 0)),
    floor: null,
    goals: [],
  });
  const below = (root: number): number[] => memoryOfTree(root).map(({ pid }) => pid);
  const parts = ['server', 'warden', 'keeper', 'PostgreSQL'].map((name) => ({ name, pid: instance.pid(name) }));
  const warden = instance.pid('warden');
  return [
    named('up', [instance.status().pid]),
    ...parts.map(({ name, pid }) => named(name, name === 'PostgreSQL' ? below(pid) : [pid])),
    named(
      'broker',
      all.filter(({ parent, program }) => parent === warden && program.includes('broker')).map(({ pid }) => pid),
    ),
    {
      name: 'idle, all processes, PSS',
      unit: 'MB',
      value: megabytes(all.reduce((sum, { pss }) => sum + pss, 0)),
      floor: null,
      goals: [{ of: 'value', atMost: 350 }],
    },
    {
      name: 'the same with shared files counted whole; floor: 5 bare Nodes',
      unit: 'MB',
      value: megabytes(aloneKiB(all)),
      floor: megabytes(floorKiB),
      goals: [{ of: 'value', atMost: 350 }],
    },
  ];
}

const availableKiB = (): number =>
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1] ?? 0);

/** Bytes charged to all sandboxes of an instance: their processes, kernel memory and cached files. */
function chargedKiB(name: string): number {
  const one = sandboxProcesses(name)[0];
  const lines = one === undefined ? [] : readFileSync(`/proc/${one}/cgroup`, 'latin1').trim().split('\n');
  const line = lines.find((text) => text.split(':')[1] === 'memory') ?? lines.find((text) => text.startsWith('0::'));
  const parent = /^[^:]*:([^:]*):(.*?casemate-[^/]*)/.exec(line ?? '');
  if (!parent) throw new Error('no sandbox runs');
  const directory = join('/sys/fs/cgroup', parent[1] ?? '', parent[2] ?? '');
  const current = join(directory, 'memory.current');
  const file = existsSync(current) ? current : join(directory, 'memory.usage_in_bytes');
  return Number(readFileSync(file, 'latin1')) / 1024;
}

/** What a sandbox costs in which nothing runs: charged to it, grown in our processes, and gone from the machine. */
async function measureSandboxes({ instance, api }: Instance): Promise<BenchRow[]> {
  const config = JSON.parse(readFileSync(join(instance.data, 'config/warden.json'), 'utf8')) as { instance: string };
  const ours = (): number => aloneKiB(memoryOfTree(instance.status().pid));
  const start = async (name: string): Promise<void> => {
    const { json: workspace } = await api('POST', '/workspaces', { name });
    const path = `/workspaces/${(workspace as unknown as Workspace).id}/terminals`;
    const { json: terminal } = await api('POST', path, {});
    // The sandbox goes on without it.
    await api('DELETE', `/terminals/${(terminal as unknown as Terminal).id}`);
  };
  // What the first ones make of code, caches and garbage is not their own.
  for (let turn = 0; turn < warmUp; turn += 1) await start(`first ${turn}`);
  await delay(quietMs / 2);
  const before = { available: availableKiB(), ours: ours(), charged: chargedKiB(config.instance) };
  for (let turn = 0; turn < sandboxes; turn += 1) await start(`idle ${turn}`);
  await delay(quietMs / 2);
  const after = { available: availableKiB(), ours: ours(), charged: chargedKiB(config.instance) };
  const each = (kib: number): number => kib / 1024 / sandboxes;
  const row = (name: string, value: number, goals: BenchRow['goals']): BenchRow => ({
    name: `idle sandbox, mean of ${sandboxes}: ${name}`,
    unit: 'MiB',
    value,
    floor: null,
    goals,
  });
  return [
    row('charged to it', each(after.charged - before.charged), [{ of: 'value', atMost: 1 }]),
    row('grown in our processes', each(after.ours - before.ours), []),
    row('less MemAvailable (of the whole machine)', each(before.available - after.available), []),
  ];
}

/** What the product costs when nothing happens, and how soon it is there. */
export async function measureFootprint(): Promise<BenchRow[]> {
  const started = await measureStarts();
  const floor = await bareNodesKiB();
  await using running = await signedInInstance();
  await delay(quietMs);
  const idle = measureIdle(running, floor);
  return [started, ...idle, ...(await measureSandboxes(running))];
}
