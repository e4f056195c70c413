import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Channel, connectChannel } from '#channel/connect.ts';
import type { KeeperConfig } from '#config/process.ts';
import { keeperMethods } from '#contract/keeper.ts';
import { holderProgram } from '#keeper/holder-program.ts';

const release = fileURLToPath(new URL('../..', import.meta.url));
const consoleProgram = fileURLToPath(new URL('./console-program.py', import.meta.url));
/** nobody: the keeper must do with no privilege at all. */
const unprivileged = 65_534;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export interface TestKeeper extends AsyncDisposable {
  readonly config: KeeperConfig;
  readonly channel: Channel<typeof keeperMethods>;
  readonly pid: number;
  /** What the keeper logged so far. */
  readonly logged: () => string;
  /** Ends the keeper with `signal`, waits for that, and leaves its terminals. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again in the same place; `stop` must have come before. */
  start(): Promise<void>;
  recording(terminalId: string): string;
  /** Starts a program on a PTY whose master goes to the terminal's console socket. */
  runProgram(terminalId: string, program: readonly string[]): ChildProcess;
}

/** Uid and gid to run unprivileged processes with, or nothing when the test itself is unprivileged. */
function dropped(): { uid: number; gid: number } | Record<string, never> {
  return process.getuid?.() === 0 ? { uid: unprivileged, gid: unprivileged } : {};
}

/** Holders of this spool, found as the keeper finds them. */
export function holdersOf(spoolDirectory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`CASEMATE_SPOOL=${spoolDirectory}`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/**
 * A real keeper process, unprivileged where the test is root, in a temporary directory; its spool is
 * on tmpfs where `/dev/shm` is one. Disposing ends it, its terminals and all files.
 */
export async function startKeeper(
  options: Partial<Pick<KeeperConfig, 'spoolDirectory' | 'recordingsDirectory' | 'teamBudget' | 'reserveMiB'>> = {},
): Promise<TestKeeper> {
  const root = mkdtempSync(path.join(os.tmpdir(), 'casemate-keeper-'));
  const memory = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/casemate-keeper-') : path.join(root, 'memory');
  const directories = {
    runDirectory: path.join(root, 'run'),
    spoolDirectory: options.spoolDirectory ?? path.join(memory, 'spool'),
    recordingsDirectory: options.recordingsDirectory ?? path.join(root, 'recordings'),
    journalDirectory: path.join(root, 'journal'),
  };
  const holderFile = path.join(root, 'holder');
  const config: KeeperConfig = {
    ...directories,
    holderProgram: holderFile,
    teamBudget: options.teamBudget ?? { totalBytes: 2 ** 50, bytesPerSecond: 2 ** 40, burstBytes: 2 ** 40 },
    reserveMiB: options.reserveMiB ?? 0,
  };
  const compileCache = path.join(root, 'compile-cache');
  const identity = dropped();
  for (const directory of [root, memory, compileCache, ...Object.values(directories)]) {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o750);
    if (identity.uid !== undefined) chownSync(directory, identity.uid, identity.gid);
  }
  writeFileSync(holderFile, holderProgram(), { mode: 0o755 });
  const configFile = path.join(root, 'keeper.json');
  writeFileSync(configFile, JSON.stringify(config), { mode: 0o644 });

  let child: ChildProcess | undefined;
  let output = '';
  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, [path.join(release, 'src/main/keeper.ts'), configFile], {
      ...identity,
      cwd: release,
      // Stripping types anew costs each restart half a second; a keeper that ends cleanly leaves this behind.
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCache },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-100_000);
      });
    }
    await new Promise<void>((resolve, reject) => {
      started.once('message', () => resolve());
      started.once('exit', () => reject(new Error(`the keeper did not start:\n${output}`)));
      started.once('error', reject);
    });
  };
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    const stopping = child;
    child = undefined;
    if (!stopping || stopping.exitCode !== null || stopping.signalCode !== null) return;
    const ended = once(stopping, 'exit');
    stopping.kill(signal);
    await ended;
  };
  await start();
  const channel = connectChannel(keeperMethods, { path: path.join(config.runDirectory, 'keeper.sock'), log: quiet });
  return {
    config,
    channel,
    get pid() {
      if (child?.pid === undefined) throw new Error('the keeper does not run');
      return child.pid;
    },
    logged: () => output,
    stop,
    start,
    recording: (terminalId) => path.join(config.recordingsDirectory, `${terminalId}.rec`),
    runProgram: (terminalId, program) =>
      spawn('python3', [consoleProgram, path.join(config.runDirectory, 'console', terminalId), ...program], {
        ...identity,
        env: { PATH: process.env['PATH'], TERM: 'xterm-256color', LANG: 'C.UTF-8' },
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    async [Symbol.asyncDispose]() {
      channel.close();
      await stop('SIGKILL');
      for (const pid of holdersOf(config.spoolDirectory)) process.kill(pid, 'SIGKILL');
      rmSync(root, { recursive: true, force: true });
      rmSync(memory, { recursive: true, force: true });
    },
  };
}
