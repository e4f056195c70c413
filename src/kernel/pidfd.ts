import koffi from 'koffi';
import { checked, libc, SystemError, syscallNumbers } from '#kernel/libc.ts';

const pidfdOpenCall = libc.func('long syscall(long number, long pid, long flags)');
const pidfdSignalCall = libc.func('syscall', 'long', ['long', 'long', 'long', 'long', 'long']);
const waitidCall = libc.func('int waitid(int type, uint32_t id, uint8_t *info, int options)');
const ioctlCall = libc.func('ioctl', 'int', ['int', 'unsigned long', 'uint8_t *']);
const prctlCall = libc.func(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const killCall = libc.func('int kill(int pid, int signal)');

const PIDFD_SEND_SIGNAL = 424;
const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const PR_SET_CHILD_SUBREAPER = 36;
/** _IOWR(0xFF, 11, struct pidfd_info), for the structure's first published form (64 bytes). */
const PIDFD_GET_INFO = 0xc040ff0b;
const PIDFD_INFO_EXIT = 8n;

/** pidfd_open(2); the descriptor is always closed on exec. */
export function pidfdOpen(pid: number): number {
  return checked('pidfd_open', pidfdOpenCall(syscallNumbers.pidfdOpen, pid, 0));
}

/** pidfd_send_signal(2). Answers false when the process is gone already. */
export function pidfdSignal(pidfd: number, signal: number): boolean {
  try {
    checked('pidfd_send_signal', pidfdSignalCall(PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0));
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'ESRCH') return false;
    throw error;
  }
}

/** kill(2) of a process group. Answers false when it is gone already. */
export function signalGroup(group: number, signal: number): boolean {
  if (group <= 1) throw new RangeError('a process group is greater than 1');
  if (killCall(-group, signal) === 0) return true;
  const errno = koffi.errno();
  if (errno === 3) return false;
  throw new SystemError('kill', errno);
}

/** Orphans below this process become its children, so that it learns how they ended (prctl(2)). */
export function becomeSubreaper(): void {
  checked('prctl', prctlCall(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

/** A wait status as wait(2) describes it. */
export interface WaitStatus {
  readonly exitCode: number | null;
  /** Number of the signal that ended it. */
  readonly signal: number | null;
}

/**
 * How the process of `pidfd` ended, or undefined while it runs; `unknown` when it ended and nobody
 * can tell. A child is reaped. For others (after a restart) the kernel is asked (PIDFD_GET_INFO, 6.15).
 */
export function pidfdExit(pidfd: number): WaitStatus | 'unknown' | undefined {
  const info = Buffer.alloc(128);
  if (waitidCall(P_PIDFD, pidfd, info, WEXITED | WNOHANG) === 0) {
    if (info.readInt32LE(0) === 0) return undefined;
    const CLD_EXITED = 1;
    const status = info.readInt32LE(24);
    return info.readInt32LE(8) === CLD_EXITED
      ? { exitCode: status, signal: null }
      : { exitCode: null, signal: status & 0x7f };
  }
  const errno = koffi.errno();
  const ECHILD = 10;
  if (errno !== ECHILD) throw new SystemError('waitid', errno);
  return exitOfStranger(pidfd);
}

/** Reaps a dead child; nothing happens when it lives, or is somebody else's. */
export function reapChild(pid: number): void {
  const P_PID = 1;
  waitidCall(P_PID, pid, Buffer.alloc(128), WEXITED | WNOHANG);
}

function exitOfStranger(pidfd: number): WaitStatus | 'unknown' | undefined {
  if (pidfdSignal(pidfd, 0) && !isZombie(pidfd)) return undefined;
  const info = Buffer.alloc(64);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  if (ioctlCall(pidfd, PIDFD_GET_INFO, info) !== 0) return 'unknown';
  if ((info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n) return 'unknown';
  const status = info.readInt32LE(60);
  const signal = status & 0x7f;
  return signal === 0 ? { exitCode: (status >> 8) & 0xff, signal: null } : { exitCode: null, signal };
}

const pollCall = libc.func('int poll(uint8_t *fds, unsigned long count, int timeout)');

/** A pidfd is readable once its process is a zombie, reaped or not (pidfd_open(2)). */
function isZombie(pidfd: number): boolean {
  const request = Buffer.alloc(8);
  request.writeInt32LE(pidfd, 0);
  request.writeInt16LE(1, 4);
  return checked('poll', pollCall(request, 1, 0)) > 0;
}
