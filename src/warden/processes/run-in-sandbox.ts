import { randomBytes } from 'node:crypto';
import { closeSync, fchownSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CasemateError } from '#contract/errors.ts';
import type { Exit } from '#contract/warden.ts';
import { pidfdOpen, pidfdSignal } from '#kernel/pidfd.ts';
import { openPipe } from '#kernel/pipe.ts';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import { guestUser } from '#warden/guest-user.ts';
import type { ExitWatch } from '#warden/processes/exit-watch.ts';
import type { RuntimeProcess } from '#warden/runtimes/runtime.ts';
import type { LiveSandbox } from '#warden/sandboxes/live-sandbox.ts';

export interface RunOptions {
  readonly sandbox: LiveSandbox;
  readonly process: RuntimeProcess;
  readonly timeoutMs: number;
  readonly groups: ControlGroups;
  readonly exits: ExitWatch;
  /** Aborts: the program and its group are killed. */
  readonly signal: AbortSignal;
  /** Standard input, until it ends. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Output in the order it came; the program waits while this does. */
  readonly output: (stream: 'stdout' | 'stderr', bytes: Buffer) => Promise<void>;
}

const SIGKILL = 9;
/** How long output is still awaited from what a program left behind with its streams open. */
const lingerMs = 100;
/** More than a pipe and its reader hold: what comes after it was written after the exit. */
const remainderBytes = 262_144;
/** Sets this warden's groups apart from an earlier one's. The guest sees it, so it tells nothing of the host. */
const series = randomBytes(4).toString('hex');
let serial = 0;

/** Runs a program in a sandbox with pipes for its streams, and answers how it ended. */
export async function runInSandbox(options: RunOptions): Promise<Exit & { timedOut: boolean }> {
  const { sandbox, groups, exits, signal } = options;
  const [stdin, stdout, stderr] = [openPipe(), openPipe(), openPipe()];
  let pid: number;
  let pidfd: number;
  let group: string;
  try {
    // So that /dev/stdout and its like can be opened by the program, as at home.
    const owner = sandbox.record.firstUid + (options.process.user === 'root' ? 0 : guestUser.uid);
    for (const fd of [stdin.readFd, stdout.writeFd, stderr.writeFd]) fchownSync(fd, owner, owner);
    groups.announceMove();
    const streams = { stdin: stdin.readFd, stdout: stdout.writeFd, stderr: stderr.writeFd };
    pid = await sandbox.runtime.execute(sandbox.runtimeSandbox, options.process, streams);
    serial += 1;
    // Fails when the sandbox was killed meanwhile and the program reaped with it.
    pidfd = pidfdOpen(pid);
    try {
      group = groups.gather(sandbox.runtimeSandbox.cgroup, `exec-${series}-${serial}`, pid);
    } catch (error) {
      pidfdSignal(pidfd, SIGKILL);
      closeSync(pidfd);
      throw error;
    }
  } catch (error) {
    for (const fd of [stdin.writeFd, stdout.readFd, stderr.readFd]) closeSync(fd);
    throw error;
  } finally {
    for (const fd of [stdin.readFd, stdout.writeFd, stderr.writeFd]) closeSync(fd);
  }

  const killAll = (): void => {
    pidfdSignal(pidfd, SIGKILL);
    groups.kill(group).catch(() => undefined);
  };
  const writer = new Socket({ fd: stdin.writeFd, readable: false, writable: true });
  const readers = [
    pump(new Socket({ fd: stdout.readFd, readable: true, writable: false }), (bytes) =>
      options.output('stdout', bytes),
    ),
    pump(new Socket({ fd: stderr.readFd, readable: true, writable: false }), (bytes) =>
      options.output('stderr', bytes),
    ),
  ];
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killAll();
  }, options.timeoutMs);
  if (signal.aborted) killAll();
  signal.addEventListener('abort', killAll);
  // Not awaited: the caller may keep its end open longer than the program reads.
  void feed(writer, options.input);
  try {
    const exit = await exits.ended(pidfd);
    await Promise.all(readers.map((reader) => reader.drained()));
    await Promise.all(readers.map((reader) => reader.stop()));
    if (signal.aborted) throw new CasemateError('cancelled');
    return { ...exit, timedOut };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', killAll);
    writer.destroy();
    for (const reader of readers) await reader.stop();
    closeSync(pidfd);
    if (timedOut || signal.aborted) await groups.kill(group);
    groups.discard(group);
  }
}

interface Pump {
  /** Resolves when the stream has ended, or when nothing more can be of the program that has exited. */
  drained(): Promise<void>;
  stop(): Promise<void>;
}

/** Hands what arrives to `deliver`, one chunk at a time. */
function pump(socket: Socket, deliver: (bytes: Buffer) => Promise<void>): Pump {
  let ended = false;
  let delivering = false;
  let delivered = 0;
  let lastMs = 0;
  const run = async (): Promise<void> => {
    try {
      for await (const bytes of socket) {
        delivering = true;
        await deliver(bytes as Buffer);
        delivering = false;
        delivered += (bytes as Buffer).length;
        lastMs = performance.now();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    } finally {
      ended = true;
    }
  };
  const running = run();
  // A failed delivery means that the caller has gone, which `signal` says as well.
  running.catch(() => undefined);
  return {
    async drained() {
      const [atExit, exitMs] = [delivered, performance.now()];
      while (!ended && delivered - atExit < remainderBytes) {
        if (!delivering && performance.now() - Math.max(lastMs, exitMs) > lingerMs) return;
        await Promise.race([running.catch(() => undefined), sleep(10)]);
      }
    },
    async stop() {
      socket.destroy();
      await running.catch(() => undefined);
    },
  };
}

async function feed(writer: Socket, input: AsyncIterable<Uint8Array>): Promise<void> {
  let broken = false;
  writer.on('error', () => {
    broken = true;
  });
  try {
    for await (const chunk of input) {
      if (broken || writer.destroyed) return;
      if (!writer.write(chunk))
        await new Promise((resolve) => void writer.once('drain', resolve).once('close', resolve));
    }
    writer.end();
  } catch {
    // The caller cancelled or went away: `signal` has said so, and the program is being killed.
    writer.destroy();
  }
}
