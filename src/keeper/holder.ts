import { spawn } from 'node:child_process';
import { closeSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { Log } from '#channel/log.ts';
import type { TerminalId } from '#base/ids.ts';
import { pidfdOpen, pidfdSignal } from '#kernel/pidfd.ts';
import { pidfdGetfd } from '#kernel/pidfd-getfd.ts';

/** The descriptors of one terminal that must outlive the keeper. */
export interface HeldDescriptors {
  readonly master: number;
  /** Bytes that left the PTY but have not reached the spool lie in this pipe. */
  readonly pipeRead: number;
  readonly pipeWrite: number;
}

/** A process by pid and start time (clock ticks after boot): together they name it for good. */
export interface HolderIdentity {
  readonly pid: number;
  readonly startTicks: string;
}

const heldAt = { master: 3, pipeRead: 4, pipeWrite: 5 } as const;
/** A holder is ready well within this time after it was started. */
const takePatienceMs = 500;
const takeRetryMs = 10;
const SIGKILL = 9;

/** Start time of a process, field 22 of `/proc/<pid>/stat` (proc(5)), or undefined when it is gone. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command, in parentheses, may hold anything; fields are counted after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ESRCH';
}

export interface HolderOptions {
  /** Path of {@link holderProgram}. */
  readonly program: string;
  readonly spoolDirectory: string;
  readonly terminalId: TerminalId;
  readonly held: HeldDescriptors;
}

/**
 * Starts a process that does nothing but hold the descriptors: in a session of its own, with no
 * environment but the tag by which a restarted keeper finds it if the keeper dies before it has
 * noted the pid. Throws when no process can be started.
 */
export function startHolder({ program, spoolDirectory, terminalId, held }: HolderOptions): HolderIdentity {
  const child = spawn(program, [], {
    cwd: '/',
    detached: true,
    env: { CASEMATE_SPOOL: spoolDirectory, CASEMATE_TERMINAL: terminalId },
    stdio: ['ignore', 'ignore', 'ignore', held.master, held.pipeRead, held.pipeWrite],
  });
  // The failure is thrown below; the event must have a listener all the same.
  child.on('error', () => child.unref());
  child.unref();
  const startTicks = child.pid === undefined ? undefined : startTicksOf(child.pid);
  if (child.pid === undefined || startTicks === undefined) throw new Error('a holder process could not be started');
  return { pid: child.pid, startTicks };
}

/** A pidfd of the holder, or undefined when that process is gone (its pid may belong to another now). */
export function openHolder(holder: HolderIdentity): number | undefined {
  let pidfd: number;
  try {
    pidfd = pidfdOpen(holder.pid);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  // Read after the pidfd was opened: when the start time matches now, the pidfd is this process's.
  if (startTicksOf(holder.pid) === holder.startTicks && pidfdSignal(pidfd, 0)) return pidfd;
  closeSync(pidfd);
  return undefined;
}

/**
 * Copies of what a holder holds, or undefined when it ended meanwhile. Throws EPERM when the kernel
 * forbids it; a holder that was started just now may need a moment, so that is tried for a while.
 */
export function takeFromHolder(pidfd: number): HeldDescriptors | undefined {
  const deadline = performance.now() + takePatienceMs;
  for (;;) {
    try {
      return takeNow(pidfd);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ESRCH' || code === 'EBADF') return undefined;
      if (code !== 'EPERM' || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, takeRetryMs);
    }
  }
}

function takeNow(pidfd: number): HeldDescriptors {
  const taken: number[] = [];
  try {
    for (const target of [heldAt.master, heldAt.pipeRead, heldAt.pipeWrite]) taken.push(pidfdGetfd(pidfd, target));
  } catch (error) {
    for (const fd of taken) closeSync(fd);
    throw error;
  }
  const [master, pipeRead, pipeWrite] = taken as [number, number, number];
  return { master, pipeRead, pipeWrite };
}

/** Ends a holder; its copy of the master goes with it. */
export function endHolder(holder: HolderIdentity): void {
  const pidfd = openHolder(holder);
  if (pidfd === undefined) return;
  try {
    pidfdSignal(pidfd, SIGKILL);
  } finally {
    closeSync(pidfd);
  }
}

/** Holders of this spool that run, by terminal, found by their tag. For the start of a keeper, and for root with the keeper's uid: it reads all of /proc. */
export function findHolders(
  spoolDirectory: string,
  log: Log,
  uid: number | undefined = process.getuid?.(),
): Map<string, HolderIdentity> {
  const found = new Map<string, HolderIdentity>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    try {
      if (statSync(`/proc/${name}`).uid !== uid || pid === process.pid) continue;
      const tags = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
      const terminal = tags.find((tag) => tag.startsWith('CASEMATE_TERMINAL='))?.slice('CASEMATE_TERMINAL='.length);
      const startTicks = startTicksOf(pid);
      if (!terminal || !startTicks || !tags.includes(`CASEMATE_SPOOL=${spoolDirectory}`)) continue;
      found.set(terminal, { pid, startTicks });
    } catch (error) {
      if (!isGone(error)) log.debug({ err: error, pid }, 'a process could not be looked at');
    }
  }
  return found;
}
