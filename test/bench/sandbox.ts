import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxId, TeamId, WorkspaceId } from '#base/ids.ts';
import { findHierarchies } from '#warden/cgroup/hierarchies.ts';
import { processDocument } from '#warden/runtimes/crun/specification.ts';
import { newId, startWarden, type TestWarden } from '../support/start-warden.ts';
import { bareSandboxes } from './bare-sandbox.ts';
import { percentile } from './percentile.ts';
import type { BenchGoal, BenchRow } from './row.ts';

/**
 * What sandboxes cost: from the request to the first output of a program, a program in one that runs,
 * the end, and an idle one's memory. The floors are the same acts without the warden, in turn with it,
 * so that both meet the same noise. Needs root and the base template.
 */
const rounds = 40;
const idleSandboxes = 8;
const memoryRounds = 5;

type Owned = { readonly sandboxId: SandboxId; readonly teamId: TeamId };

/** Runs argv as the sandbox's user; ms to its first output and to its end. */
async function execute(
  warden: TestWarden,
  owned: Owned,
  argv: readonly string[],
): Promise<{ firstMs: number; endMs: number }> {
  const start = performance.now();
  const call = warden.channel.open('exec.run', {
    ...owned,
    arguments: [...argv],
    workingDirectory: { path: '/' },
    environment: {},
    user: 'user',
    timeoutMs: 20_000,
  });
  call.end();
  let firstMs = Number.NaN;
  const collect = async (): Promise<void> => {
    for await (const _ of call.items) if (Number.isNaN(firstMs)) firstMs = performance.now() - start;
  };
  await Promise.all([call.done, collect()]);
  return { firstMs, endMs: performance.now() - start };
}

/** The bare `crun exec` with a process file; ms to the first output. */
async function bareExecute(warden: TestWarden, sandboxId: SandboxId, processFile: string): Promise<number> {
  const start = performance.now();
  const parameters = ['--root', `${warden.config.stateDirectory}/runtime/crun`, '--cgroup-manager', 'cgroupfs'];
  const child = spawn('/usr/bin/crun', [...parameters, 'exec', '--process', processFile, sandboxId], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  const elapsed = performance.now() - start;
  await ended;
  return elapsed;
}

/** What a control group is charged with, kernel memory and page cache included. */
function groupMemoryMiB(path: string): number {
  const { controllers, unified } = findHierarchies(readFileSync('/proc/self/mounts', 'utf8'));
  const v1 = controllers.get('memory');
  const file = v1 === undefined ? `${unified}${path}/memory.current` : `${v1}${path}/memory.usage_in_bytes`;
  return Number(readFileSync(file, 'latin1')) / 1_048_576;
}

const availableMiB = (): number =>
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1]) / 1024;

/** MiB that one of the sandboxes that `start` makes takes from the host; the median of several rounds. */
async function memoryOfEach(start: () => Promise<void>, end: () => Promise<void>): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < memoryRounds; round += 1) {
    await sleep(700);
    const before = availableMiB();
    for (let count = 0; count < idleSandboxes; count += 1) await start();
    await sleep(700);
    samples.push((before - availableMiB()) / idleSandboxes);
    await end();
  }
  return percentile(samples, 0.5);
}

/** Rows for the middle and the slow end; the goals are those of the middle. */
function rowsOf(name: string, figures: readonly number[], floor: readonly number[] | null, goals: BenchGoal[] = []) {
  return [0.5, 0.95].map(
    (part): BenchRow => ({
      ...{ name: `${name}, p${part * 100}`, unit: 'ms', value: percentile(figures, part) },
      ...{ floor: floor && percentile(floor, part), goals: part === 0.5 ? goals : [] },
    }),
  );
}

/** Measures it all; takes about a minute. */
export async function measureSandboxes(): Promise<readonly BenchRow[]> {
  await using warden = await startWarden();
  await using bare = await bareSandboxes(`${warden.config.templatesDirectory}/base/rootfs`);
  const product = { first: [] as number[], create: [] as number[], again: [] as number[], kill: [] as number[] };
  const floor = { first: [] as number[], execute: [] as number[] };
  const executed = { first: [] as number[], end: [] as number[] };
  const kill = async (owned: Owned): Promise<void> => {
    const start = performance.now();
    await warden.channel.call('sandbox.kill', owned);
    product.kill.push(performance.now() - start);
  };
  const startToOutput = async (options?: Parameters<TestWarden['create']>[0]): Promise<[number, number, Owned]> => {
    const start = performance.now();
    const owned = await warden.create(options);
    const createMs = performance.now() - start;
    const { firstMs } = await execute(warden, owned, ['/bin/echo', 'ready']);
    return [createMs + firstMs, createMs, owned];
  };

  // What both make once is made before anything counts.
  await warden.channel.call('sandbox.kill', await warden.create());
  const teamId = newId<TeamId>();
  const workspaceId = newId<WorkspaceId>();
  await warden.channel.call('sandbox.kill', await warden.create({ teamId, workspaceId }));
  await bare.runOnce();

  for (let round = 0; round < rounds; round += 1) {
    await sleep(60);
    floor.first.push(await bare.runOnce());
    await sleep(60);
    const [firstMs, createMs, owned] = await startToOutput();
    product.first.push(firstMs);
    product.create.push(createMs);
    await kill(owned);
    await sleep(60);
    const [againMs, , again] = await startToOutput({ teamId, workspaceId });
    product.again.push(againMs);
    await kill(again);
  }

  const owned = await warden.create();
  const processFile = `${warden.directory}/bench-process.json`;
  const program = { arguments: ['/bin/echo', 'ready'], environment: ['PATH=/usr/bin:/bin'], workingDirectory: '/' };
  await writeFile(processFile, JSON.stringify(processDocument({ ...program, user: 'user' }, [])));
  for (let round = 0; round < rounds; round += 1) {
    await sleep(30);
    floor.execute.push(await bareExecute(warden, owned.sandboxId, processFile));
    await sleep(30);
    const { firstMs, endMs } = await execute(warden, owned, ['/bin/echo', 'ready']);
    executed.first.push(firstMs);
    executed.end.push(endMs);
  }
  await warden.channel.call('sandbox.kill', owned);

  const still = await warden.create();
  await sleep(500);
  const groupMiB = groupMemoryMiB(`/casemate-${warden.config.instance}/${still.sandboxId}`);
  await warden.channel.call('sandbox.kill', still);
  const idle: Owned[] = [];
  const idleMiB = await memoryOfEach(
    async () => void idle.push(await warden.create()),
    async () => {
      for (const one of idle.splice(0)) await warden.channel.call('sandbox.kill', one);
    },
  );
  const bareIdleMiB = await memoryOfEach(bare.startIdle, bare.endIdle);

  const startGoals: BenchGoal[] = [
    { of: 'value', atMost: 60 },
    { of: 'ratio', atMost: 1.5 },
  ];
  return [
    ...rowsOf('sandbox, from create to first output', product.first, floor.first, startGoals),
    ...rowsOf('the same on the disk of a workspace', product.again, floor.first, startGoals),
    ...rowsOf('sandbox, create alone', product.create, null),
    ...rowsOf('program in a sandbox, to its first output', executed.first, floor.execute, [{ of: 'ratio', atMost: 2 }]),
    ...rowsOf('program in a sandbox, to its end', executed.end, null),
    ...rowsOf('end of a sandbox, until nothing is left', product.kill, null),
    {
      ...{ name: 'idle sandbox, as its control group counts', unit: 'MiB', value: groupMiB, floor: null },
      goals: [{ of: 'value', atMost: 1 }],
    },
    // All else that starts or ends on the machine is in it too: true of a quiet machine only.
    {
      ...{ name: 'idle sandbox, by the memory of the host', unit: 'MiB', value: idleMiB, floor: bareIdleMiB },
      goals: [],
    },
  ];
}
