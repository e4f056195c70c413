import { setTimeout as wait } from 'node:timers/promises';
import type { z } from 'zod';
import type { Channel } from '#channel/connect.ts';
import type { Resources, wardenMethods } from '#contract/warden.ts';
import { execute, type Owned } from '#main/attack/execute.ts';
import type { Outcome } from '#main/attack/probe.ts';

type Usage = z.infer<(typeof wardenMethods)['sandbox.usage']['reply']>;

interface Bomb {
  readonly id: string;
  readonly what: string;
  /** Python that takes all it can get, prints how much it got at last, and holds it for a moment. */
  readonly program: readonly string[];
  readonly unit: string;
  /** The most that it may have got. */
  readonly most: (limits: Resources) => number;
  /** The same from outside, while it lasted. */
  readonly outside?: (usage: Usage, limits: Resources) => string | null;
}

const mebibyte = 1_048_576;
/** How long a neighbour may wait for a program to have run, with both on one machine. */
const patienceMs = 5000;
const askEveryMs = 50;
/** Init, its idle child and the runtime on its way in are not the guest's. */
const ownProcesses = 3;

const memoryWithin = ({ memoryBytes }: Usage, { memoryMiB }: Resources): string | null =>
  memoryBytes > memoryMiB * mebibyte ? `${memoryBytes} bytes of memory in use outside` : null;
const processesWithin = ({ processes }: Usage, limits: Resources): string | null =>
  processes > limits.processes + ownProcesses ? `${processes} processes outside` : null;

/** Each stops by itself, far above any limit that a throw-away sandbox has: where nothing bounds it, it has shown that. */
export const bombs: readonly Bomb[] = [
  {
    id: 'fork-bomb',
    what: 'start processes without end',
    program: [
      'import os, time',
      'children = []',
      'try:',
      '  while len(children) < 600:',
      '    child = os.fork()',
      '    if child == 0: time.sleep(5); os._exit(0)',
      '    children.append(child)',
      'except OSError: pass',
      'print(len(children), flush=True); time.sleep(0.5)',
      'for child in children: os.kill(child, 9)',
      'for child in children: os.waitpid(child, 0)',
    ],
    unit: 'processes',
    most: ({ processes }) => processes + ownProcesses,
    outside: processesWithin,
  },
  {
    id: 'thread-bomb',
    what: 'start threads without end',
    program: [
      'import threading, time, os',
      'threading.stack_size(65536)',
      'n = 0',
      'try:',
      '  while n < 600: threading.Thread(target=time.sleep, args=(5,), daemon=True).start(); n += 1',
      'except RuntimeError: pass',
      'print(n, flush=True); time.sleep(0.5); os._exit(0)',
    ],
    unit: 'threads',
    most: ({ processes }) => processes + ownProcesses,
    outside: processesWithin,
  },
  {
    id: 'memory',
    what: 'fill memory',
    program: [
      'held = []',
      'while len(held) < 512:',
      '  block = bytearray(1048576)',
      '  for at in range(0, 1048576, 4096): block[at] = 1',
      '  held.append(block); print(len(held), flush=True)',
    ],
    unit: 'MiB',
    most: ({ memoryMiB }) => memoryMiB,
    outside: memoryWithin,
  },
  {
    id: 'memory-of-many',
    what: 'fill memory by processes of which none is large, so that the wrong one is ended',
    program: [
      'import os, time',
      'for _ in range(8):',
      '  if os.fork() == 0:',
      '    block = bytearray(33554432)',
      '    for at in range(0, len(block), 4096): block[at] = 1',
      '    time.sleep(0.7); os._exit(0)',
      'time.sleep(1)',
    ],
    unit: 'MiB',
    most: ({ memoryMiB }) => memoryMiB,
    outside: memoryWithin,
  },
  {
    id: 'shared-memory',
    what: 'fill memory by files in /dev/shm',
    program: [
      'import os, time',
      'n = 0',
      'try:',
      '  with open("/dev/shm/fill", "wb", 0) as file:',
      '    while n < 512: file.write(bytes(1048576)); n += 1; print(n, flush=True)',
      'except OSError: pass',
      'time.sleep(0.3)',
      'os.remove("/dev/shm/fill")',
    ],
    unit: 'MiB',
    most: ({ memoryMiB }) => memoryMiB,
    outside: memoryWithin,
  },
  {
    id: 'pipes',
    what: 'fill memory of the kernel by pipes',
    program: [
      'import fcntl, os, time',
      'n, held = 0, []',
      'try:',
      '  while n < 512:',
      '    r, w = os.pipe(); held += [r, w]',
      '    fcntl.fcntl(w, 1031, 1048576); os.set_blocking(w, False)',
      '    n += os.write(w, bytes(1048576)) / 1048576',
      '    print(int(n), flush=True)',
      'except OSError: pass',
      'time.sleep(0.3)',
    ],
    unit: 'MiB',
    most: ({ memoryMiB }) => memoryMiB,
    outside: memoryWithin,
  },
  {
    id: 'descriptors',
    what: 'open files without end',
    program: [
      'import os',
      'n = 0',
      'try:',
      '  while n < 200000: os.open("/dev/null", os.O_RDONLY); n += 1',
      'except OSError: pass',
      'print(n)',
    ],
    unit: 'descriptors',
    most: () => 65_536,
  },
  {
    id: 'disk',
    what: 'fill the disk',
    program: [
      'import os, time',
      'path, n = os.path.expanduser("~/fill"), 0',
      'try:',
      '  with open(path, "wb", 0) as file:',
      '    while n < 256: file.write(b"x" * 1048576); n += 1',
      'except OSError: pass',
      'print(n, flush=True); time.sleep(0.3)',
      'os.remove(path)',
    ],
    unit: 'MiB',
    most: ({ diskMiB }) => diskMiB,
    outside: ({ diskUsedBytes }, { diskMiB }) =>
      diskUsedBytes > diskMiB * mebibyte ? `${diskUsedBytes} bytes of disk in use outside` : null,
  },
  {
    id: 'inodes',
    what: 'make files without end',
    program: [
      'import os, shutil',
      'base, n = os.path.expanduser("~/many"), 0',
      'os.mkdir(base)',
      'try:',
      '  while n < 20000: os.close(os.open(f"{base}/{n}", os.O_CREAT | os.O_WRONLY)); n += 1',
      'except OSError: pass',
      'print(n, flush=True)',
      'shutil.rmtree(base)',
    ],
    unit: 'files',
    most: ({ inodes }) => inodes,
    outside: ({ inodesUsed }, { inodes }) => (inodesUsed > inodes ? `${inodesUsed} inodes outside` : null),
  },
  {
    id: 'processor',
    what: 'take every processor',
    program: [
      'import os, time',
      'children = []',
      'for _ in range(4):',
      '  child = os.fork()',
      '  if child == 0:',
      '    end = time.monotonic() + 1',
      '    while time.monotonic() < end: pass',
      '    os._exit(0)',
      '  children.append(child)',
      'used = sum(sum(os.wait4(child, 0)[2][:2]) for child in children)',
      'print(int(used * 100))',
    ],
    unit: 'hundredths of a second of 1 s',
    // The quota is counted in periods of 100 ms; the first and the last one, and what was due, come on top.
    most: ({ cpuPercent }) => cpuPercent * 1.5 + 40,
  },
  {
    id: 'output',
    what: 'flood its output',
    program: [
      'import os, time',
      'end = time.monotonic() + 0.5',
      'while time.monotonic() < end: os.write(1, b"x" * 65536)',
      'os.write(1, b"\\n0\\n")',
    ],
    unit: 'of itself',
    most: () => 0,
  },
];

export interface ExhaustionContext {
  readonly warden: Channel<typeof wardenMethods>;
  readonly attacker: Owned;
  readonly neighbour: Owned;
  /** What the attacker's sandbox is said to be limited to. */
  readonly limits: Resources;
}

/** Sets off each bomb, and asks meanwhile how much is taken and whether a program of the neighbour answers. */
export async function attackByExhaustion(
  context: ExhaustionContext,
  chosen: readonly Bomb[] = bombs,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const bomb of chosen) outcomes.push(await setOff(bomb, context));
  return outcomes;
}

async function setOff(bomb: Bomb, { warden, attacker, neighbour, limits }: ExhaustionContext): Promise<Outcome> {
  const { id, what, unit } = bomb;
  let tail = '';
  let over = false;
  const explosion = execute(warden, attacker, {
    user: 'user',
    program: ['/usr/bin/python3', '-'],
    input: bomb.program.join('\n'),
    timeoutMs: 15_000,
    onOutput: (bytes) => {
      tail = `${tail}${bytes.subarray(-64).toString('latin1')}`.slice(-64);
    },
  }).finally(() => {
    over = true;
  });
  explosion.catch(() => undefined);
  const faults: string[] = [];
  let slowest = 0;
  let answers = 0;
  do {
    const started = performance.now();
    const run = await execute(warden, neighbour, { user: 'user', program: ['/bin/echo', 'alive'], timeoutMs: 20_000 });
    if (run.output === 'alive\n') answers += 1;
    else faults.push('the neighbour did not answer');
    slowest = Math.max(slowest, performance.now() - started);
    const { reply } = await warden.call('sandbox.usage', attacker);
    const outside = bomb.outside?.(reply, limits);
    if (outside) faults.push(outside);
    // The neighbour asks now and then; asking without a pause would be a load of its own.
    await wait(askEveryMs);
  } while (!over && faults.length === 0);
  await explosion;
  const still = await execute(warden, attacker, { user: 'user', program: ['/bin/true'] }).catch(() => null);
  if (still?.exitCode !== 0) faults.push('the sandbox itself ended, and not the program');
  const most = Math.floor(bomb.most(limits));
  const got = Number(/(\d+)\s*$/.exec(tail)?.[1] ?? Number.NaN);
  // A program that was killed before it could say anything got less than it could count.
  if (got > most) faults.push(`it got ${got} ${unit} of ${most}`);
  if (slowest > patienceMs) faults.push(`a neighbour waited ${Math.round(slowest)} ms`);
  const neighbours = `a neighbour answered ${answers} times within ${Math.round(slowest)} ms`;
  return {
    id,
    category: 'exhaustion',
    what,
    verdict: faults.length === 0 ? 'held' : 'did not hold',
    saw:
      faults[0] ??
      `${Number.isNaN(got) ? 'it could not tell how much it got' : `it got ${got} of ${most} ${unit}`}; ${neighbours}`,
  };
}
