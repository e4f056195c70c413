import { type ChildProcess, type IOType, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { mintId, type SandboxId, type TeamId, type WorkspaceId } from '#base/ids.ts';
import { type Channel, connectChannel } from '#channel/connect.ts';
import { type WardenConfig, wardenLimitsSchema } from '#config/process.ts';
import type { Confinement } from '#config/confinement.ts';
import { wardenCommand } from '#main/confine/warden-command.ts';
import { launcher, testConfinement } from './confinement.ts';
import { type Exit, type Resources, wardenMethods } from '#contract/warden.ts';

/** Mints an id of any kind. */
export const newId = <Id extends string>(): Id => mintId<Id>((bytes) => Uint8Array.from(randomBytes(bytes.length)));

export const testResources: Resources = {
  memoryMiB: 256,
  cpuPercent: 100,
  processes: 64,
  diskMiB: 128,
  inodes: 8192,
};

/** Where the machine keeps its templates, when `base` is built. */
function templatesDirectory(): string | undefined {
  const cache = process.env['CASEMATE_CACHE'] ?? '/var/cache/casemate';
  return existsSync(`${cache}/templates/base/rootfs`) ? `${cache}/templates` : undefined;
}

/** Why tests with real sandboxes cannot run here, or undefined when they can. Give it to `t.skip`. */
export function whySandboxesCannotRun(): string | undefined {
  if (process.getuid?.() !== 0) return 'sandboxes need root';
  for (const program of ['/usr/bin/crun', '/usr/bin/tini-static', '/sbin/mkfs.ext4', '/usr/bin/setpriv']) {
    if (!existsSync(program)) return `${program} is not installed`;
  }
  if (!existsSync('/dev/loop-control')) return 'this machine has no loop devices';
  if (templatesDirectory() === undefined) return 'the base template is not built';
  return undefined;
}

export interface ProgramOutcome extends Exit {
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestWarden extends AsyncDisposable {
  readonly channel: Channel<typeof wardenMethods>;
  readonly config: WardenConfig;
  /** Holds all data of this instance. */
  readonly directory: string;
  readonly pid: number;
  /** What warden and broker logged so far. */
  readonly output: () => string;
  /** `kill -9`, and nothing else: sandboxes go on. */
  kill(): Promise<void>;
  /** A new warden on the same data. */
  restart(): Promise<void>;
  /** SIGTERM; answers the exit status. */
  stop(): Promise<number | null>;
  create(options?: { teamId?: TeamId; workspaceId?: WorkspaceId | null; resources?: Partial<Resources> }): Promise<{
    readonly sandboxId: SandboxId;
    readonly teamId: TeamId;
  }>;
  /** Runs a shell line, or argv, in a sandbox and collects its output. */
  run(
    owned: { readonly sandboxId: SandboxId; readonly teamId: TeamId },
    command: string | readonly string[],
    options?: {
      user?: 'user' | 'root';
      workingDirectory?: string;
      timeoutMs?: number;
      input?: string;
      environment?: Record<string, string>;
    },
  ): Promise<ProgramOutcome>;
}

export interface TestWardenOptions {
  /** The broker's program; the default opens its doors and answers every request with 204. */
  readonly brokerEntry?: string;
  /** How it is confined, in place of the default. */
  readonly brokerConfinement?: Confinement;
  readonly config?: Partial<WardenConfig>;
  /** Inherited by the warden as descriptor 40 (H1). */
  readonly leakedFd?: number;
}

const release = fileURLToPath(new URL('../..', import.meta.url));
const standInBroker = fileURLToPath(new URL('./stand-in-broker.ts', import.meta.url));

/**
 * Starts a real warden process on a directory of its own. Disposing it kills every sandbox, stops
 * the warden and removes the directory; it throws when the warden does not stop cleanly.
 */
export async function startWarden(options: TestWardenOptions = {}): Promise<TestWarden> {
  const directory = await mkdtemp('/tmp/casemate-warden-');
  const paths = ['run', 'state', 'journal', 'console'].map((name) => `${directory}/${name}`);
  for (const path of paths) await mkdir(path, { mode: 0o700 });
  const [runDirectory = '', stateDirectory = '', journalDirectory = '', keeperConsoleDirectory = ''] = paths;
  const templates = templatesDirectory();
  if (templates === undefined) throw new Error('the base template is not built');
  const config: WardenConfig = {
    instance: newId<string>()
      .replace(/[^a-z]/g, 'x')
      .slice(0, 8),
    runDirectory,
    serverUid: process.getuid?.() ?? 0,
    stateDirectory,
    templatesDirectory: templates,
    journalDirectory,
    keeperConsoleDirectory,
    uidRanges: { first: 524_288 + 65_536 * (process.pid % 512) * 32, count: 32 },
    maximumResources: { memoryMiB: 4096, cpuPercent: 400, processes: 4096, diskMiB: 8192, inodes: 1_000_000 },
    maximumSandboxes: 20,
    limits: wardenLimitsSchema.parse({}),
    reserveMiB: 64,
    runtimes: { crun: '/usr/bin/crun' },
    broker: { launcher, confinement: `${directory}/broker.confinement.json` },
    ...options.config,
  };
  await writeFile(`${directory}/broker.json`, '{}');
  await writeFile(
    `${directory}/broker.confinement.json`,
    JSON.stringify(
      options.brokerConfinement ?? testConfinement([options.brokerEntry ?? standInBroker, `${directory}/broker.json`]),
    ),
  );
  await writeFile(`${directory}/warden.json`, JSON.stringify(config));

  let output = '';
  let child: ChildProcess;
  let ending = false;
  /** How a warden ended that nobody asked to end: a test that goes on hides it otherwise. */
  const deaths: string[] = [];
  const start = async (): Promise<void> => {
    const stdio: (IOType | 'ipc' | number)[] = ['ignore', 'pipe', 'pipe', 'ipc'];
    if (options.leakedFd !== undefined) stdio[40] = options.leakedFd;
    const [program, ...programArguments] = wardenCommand(release, `${directory}/warden.json`);
    child = spawn(program, programArguments, {
      stdio: Array.from(stdio, (to) => to ?? 'ignore'),
    });
    ending = false;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (output += bytes));
    child.once('exit', (status, signal) => {
      if (!ending) deaths.push(`the warden ended by itself with ${status ?? signal}`);
    });
    const ready = once(child, 'message');
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the warden ended before it was ready: ${output}`);
    });
    await Promise.race([ready, ended]);
    ended.catch(() => undefined);
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    ending = true;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [status] = (await ended) as [number | null];
    return status;
  };
  await start();
  const quiet = (): void => {};
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const channel = connectChannel(wardenMethods, { path: `${runDirectory}/warden.sock`, log });

  return {
    channel,
    config,
    directory,
    get pid() {
      return child.pid ?? 0;
    },
    output: () => output,
    kill: async () => void (await end('SIGKILL')),
    restart: start,
    stop: () => end('SIGTERM'),
    async create({ teamId = newId<TeamId>(), workspaceId = null, resources = {} } = {}) {
      const sandboxId = newId<SandboxId>();
      await channel.call('sandbox.create', {
        commandId: newId(),
        sandboxId,
        teamId,
        workspaceId,
        template: 'base',
        tier: 'crun',
        resources: { ...testResources, ...resources },
        environment: {},
      });
      return { sandboxId, teamId };
    },
    async run(
      owned,
      command,
      { user = 'user', workingDirectory = '/', timeoutMs = 20_000, input, environment = {} } = {},
    ) {
      const program = typeof command === 'string' ? ['/bin/bash', '-c', command] : [...command];
      const call = channel.open('exec.run', {
        ...owned,
        arguments: program,
        workingDirectory: { path: workingDirectory },
        environment,
        user,
        timeoutMs,
      });
      const feed = async (): Promise<void> => {
        if (input !== undefined) await call.send({ stream: 'stdin' }, Buffer.from(input));
        call.end();
      };
      // A call that fails fails `done` too, which is awaited.
      feed().catch(() => undefined);
      const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[], stdin: [] as Buffer[] };
      const collect = async (): Promise<void> => {
        for await (const { header, payload } of call.items) parts[header.stream].push(payload);
      };
      const [{ reply }] = await Promise.all([call.done, collect()]);
      return {
        ...reply,
        stdout: Buffer.concat(parts.stdout).toString(),
        stderr: Buffer.concat(parts.stderr).toString(),
      };
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) await start();
      let status: number | null = null;
      try {
        // A warden that serves another uid than this process's has not been asked for a sandbox.
        if (config.serverUid === process.getuid?.()) {
          const { reply } = await channel.call('sandbox.list', {});
          for (const { sandboxId, teamId } of reply.sandboxes)
            await channel.call('sandbox.kill', { sandboxId, teamId });
        }
      } finally {
        channel.close();
        status = await end('SIGTERM');
        await rm(directory, { recursive: true, force: true });
      }
      if (deaths.length > 0) throw new Error(`${deaths.join(', ')}: ${output}`);
      if (status !== 0) throw new Error(`the warden ended with ${status}: ${output}`);
    },
  };
}

/** Mounts and loop devices that belong to an instance. */
export async function tracesOf(warden: TestWarden): Promise<{ mounts: string[]; loops: string[] }> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .filter((line) => line.includes(warden.config.instance));
  const loops: string[] = [];
  for (let number = 0; number < 256; number += 1) {
    const file = `/sys/block/loop${number}/loop/backing_file`;
    if (!existsSync(file)) continue;
    const backing = (await readFile(file, 'utf8')).trim();
    if (backing.startsWith(warden.directory)) loops.push(backing);
  }
  return { mounts, loops };
}
