import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxId, TeamId, WorkspaceId } from '#base/ids.ts';
import { processDocument } from '#warden/runtimes/crun/specification.ts';
import { newId, startWarden, type TestWarden } from '../support/start-warden.ts';
import { bareSandboxes } from './bare-sandbox.ts';
import { compare, type Measurement, percentile, table } from './measurement.ts';

/**
 * What sandboxes cost: from the request to the first output of a program, a program in one that runs,
 * the end, and an idle one's memory. The floors are the same acts without the warden, in turn with it,
 * so that both meet the same noise. Needs root and the base template.
 */
const rounds = Number(process.argv[2] ?? 40);
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

/** Measures it all; takes about half a minute. */
export async function measureSandboxes(): Promise<readonly Measurement[]> {
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

  const idle: Owned[] = [];
  const idleMiB = await memoryOfEach(
    async () => void idle.push(await warden.create()),
    async () => {
      for (const one of idle.splice(0)) await warden.channel.call('sandbox.kill', one);
    },
  );
  const bareIdleMiB = await memoryOfEach(bare.startIdle, bare.endIdle);

  const firstOutput = 'create to first output';
  const [create, again] = [
    { product: product.first, floor: floor.first },
    { product: product.again, floor: floor.first },
  ];
  const run = { product: executed.first, floor: floor.execute };
  const only = (name: string, samples: readonly number[], part: number): Measurement => ({
    ...{ name: `${name}, p${part * 100}`, value: percentile(samples, part) },
    ...{ floor: null, ratio: null, goal: {}, unit: 'ms' },
  });
  return [
    compare(firstOutput, 'ms', 0.5, create, { value: 60, ratio: 1.5 }),
    compare(firstOutput, 'ms', 0.95, create),
    compare('the same with the disk of a workspace', 'ms', 0.5, again, { value: 60, ratio: 1.5 }),
    compare('the same with the disk of a workspace', 'ms', 0.95, again),
    only('create alone', product.create, 0.5),
    only('create alone', product.create, 0.95),
    compare('a program, to its first output', 'ms', 0.5, run, { ratio: 2 }),
    compare('a program, to its first output', 'ms', 0.95, run),
    only('a program, to its end', executed.end, 0.5),
    only('the end of a sandbox', product.kill, 0.5),
    only('the end of a sandbox', product.kill, 0.95),
    {
      ...{ name: 'an idle sandbox, host memory', value: idleMiB, floor: bareIdleMiB, ratio: idleMiB / bareIdleMiB },
      ...{ goal: { value: 1 }, unit: 'MiB' },
    },
  ];
}

if (import.meta.main) {
  console.log(table(await measureSandboxes()));
  process.exit(0);
}
