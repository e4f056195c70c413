import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * What an attacker tries who runs code in one of our confined processes. It stands in that process's place: the same
 * launcher, the same confinement, another program. It waits for the message `begin`, and sends what came of each try.
 */
export interface AttackPlan {
  readonly release: string;
  /** The filter that the real entry lays over itself, in base64; null where it lays none. */
  readonly ownFilter: string | null;
  /**
   * Where no file may be executed any more, V8 cannot map its code for a second isolate and ends the process: then a
   * Worker is tried last, when all else has been reported.
   */
  readonly workerLast: boolean;
  readonly programs: readonly string[];
  readonly hidden: readonly string[];
  readonly writable: readonly string[];
  readonly tcpPort: number;
  readonly abstractSocket: string;
  readonly pid: number;
}

export interface AttackOutcome {
  /** By program, from the main thread and from a Worker: the error's code, or `started`. */
  readonly spawned: Record<string, { main: string; worker: string }>;
  readonly written: Record<string, { main: string; worker: string }>;
  readonly seen: readonly string[];
  readonly root: readonly string[];
  readonly codeWrite: string;
  readonly tcp: string;
  readonly abstract: string;
  readonly signal: string;
  readonly interfaces: readonly string[];
  readonly calls: Record<string, string>;
}

const code = (error: unknown): string => (error as { code?: string }).code ?? String(error);
const tryTo = (act: () => unknown): string => {
  try {
    act();
    return 'done';
  } catch (error) {
    return code(error);
  }
};

const plan: AttackPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const koffi = createRequire(join(plan.release, 'package.json'))('koffi');
if (plan.ownFilter !== null) layFilter(Buffer.from(plan.ownFilter, 'base64'));

/** As `kernel/seccomp.ts` does (seccomp(2): SET_MODE_FILTER, TSYNC), whose file the release has only as part of others. */
function layFilter(filter: Buffer): void {
  const program = koffi.struct('attack_fprog', { length: 'uint16_t', filter: 'void *' });
  const memory = koffi.alloc('uint8_t', filter.length);
  koffi.encode(memory, koffi.array('uint8_t', filter.length), [...filter]);
  const argument = koffi.alloc(program, 1);
  koffi.encode(argument, program, { length: filter.length / 8, filter: memory });
  const seccomp = koffi.load('libc.so.6').func('long syscall(long number, long operation, long flags, void *program)');
  const result = seccomp(process.arch === 'arm64' ? 277 : 317, 1, 1, argument);
  if (Number(result) !== 0) throw new Error('the filter was not laid');
}

const startInMain = (program: string): string => {
  const { error } = spawnSync(program, [], { timeout: 300 });
  return error === undefined || code(error) === 'ETIMEDOUT' ? 'started' : code(error);
};
const startInWorker = (programs: readonly string[]): Promise<string[]> =>
  new Promise((settle, fail) => {
    const source = `
      const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
      const { spawnSync } = process.getBuiltinModule('node:child_process');
      parentPort.postMessage(workerData.map((program) => {
        const { error } = spawnSync(program, [], { timeout: 300 });
        return error === undefined || error.code === 'ETIMEDOUT' ? 'started' : error.code;
      }));`;
    const worker = new Worker(source, { eval: true, execArgv: [], workerData: [...programs] });
    worker.once('message', settle);
    worker.once('error', fail);
  });
const startAll = async (programs: readonly string[]): Promise<AttackOutcome['spawned']> => {
  const inWorker = plan.workerLast ? programs.map(() => 'not tried') : await startInWorker(programs);
  return Object.fromEntries(
    programs.map((program, index) => [program, { main: startInMain(program), worker: inWorker[index] ?? '' }]),
  );
};
const reach = (options: { port: number; host: string } | { path: string }): Promise<string> =>
  new Promise((settle) => {
    const socket = connect(options);
    socket.setTimeout(2000, () => settle('ETIMEDOUT'));
    socket.once('connect', () => settle('connected'));
    socket.once('error', (error) => settle(code(error)));
    socket.once('close', () => socket.destroy());
  });

/** System calls by number (x86-64), as native code would make them. */
const callAll = (): Record<string, string> => {
  const libc = koffi.load('libc.so.6');
  const call = libc.func('long syscall(long number, long a, long b, long c, long d, long e)');
  const memory = libc.func('syscall', 'long', ['long', 'const char *', 'long']);
  const outcome = (result: bigint | number): string =>
    Number(result) >= 0
      ? 'done'
      : (Object.entries(koffi.os.errno).find(([, value]) => value === koffi.errno())?.[0] ?? '?');
  return {
    'unshare(CLONE_NEWUSER)': outcome(call(272, 0x10000000, 0, 0, 0, 0)),
    'clone(CLONE_NEWUSER)': outcome(call(56, 0x10000000 | 17, 0, 0, 0, 0)),
    ptrace: outcome(call(101, 16, plan.pid, 0, 0, 0)),
    mount: outcome(call(165, 0, 0, 0, 0, 0)),
    bpf: outcome(call(321, 0, 0, 0, 0, 0)),
    io_uring_setup: outcome(call(425, 1, 0, 0, 0, 0)),
    keyctl: outcome(call(250, 0, 0, 0, 0, 0)),
    userfaultfd: outcome(call(323, 0, 0, 0, 0, 0)),
    memfd_create: outcome(memory(319, 'x', 0)),
    'socket(AF_VSOCK)': outcome(call(41, 40, 1, 0, 0, 0)),
    'socket(AF_PACKET)': outcome(call(41, 17, 3, 0, 0, 0)),
    'socket(SOCK_RAW)': outcome(call(41, 2, 3, 1, 0, 0)),
  };
};

async function attack(): Promise<AttackOutcome> {
  const spawned = await startAll(plan.programs);
  const own: string[] = [];
  for (const directory of plan.writable) {
    const file = join(directory, 'attack-program');
    // Any program would do; this one is there to be read.
    writeFileSync(file, readFileSync(process.execPath).subarray(0, 4_194_304));
    chmodSync(file, 0o755);
    own.push(file);
  }
  const written = await startAll(own);
  return {
    spawned,
    written,
    seen: plan.hidden.filter((path) => existsSync(path) && canBeRead(path)),
    root: readdirSync('/'),
    codeWrite: tryTo(() => openSync(join(plan.release, 'dist/main/attack.js'), 'wx')),
    tcp: await reach({ host: '127.0.0.1', port: plan.tcpPort }),
    abstract: await reach({ path: `\0${plan.abstractSocket}` }),
    signal: tryTo(() => process.kill(plan.pid, 0)),
    interfaces: Object.keys(networkInterfaces()),
    calls: callAll(),
  };
}

function canBeRead(path: string): boolean {
  return tryTo(() => (statSync(path).isDirectory() ? readdirSync(path) : readFileSync(path))) === 'done';
}

process.on('message', (message) => {
  if (message !== 'begin') return;
  void attack().then((outcome) => {
    process.send?.(outcome);
    if (plan.workerLast) void startInWorker(['/holder']).then((results) => process.send?.(results));
  });
});
process.send?.('ready');
