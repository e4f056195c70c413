import { refusedCalls, type SystemCalls } from '#warden/seccomp/system-calls.ts';

/** Calls that work on files never makes, beside those that a sandbox is refused too. */
const beyondFiles = {
  execve: [59, 221],
  execveat: [322, 281],
  socket: [41, 198],
  connect: [42, 203],
  accept: [43, 202],
  bind: [49, 200],
  listen: [50, 201],
  socketpair: [53, 199],
  fork: [57, null],
  vfork: [58, null],
  kill: [62, 129],
  ptrace: [101, 117],
  mknod: [133, null],
  personality: [135, 92],
  mknodat: [259, 33],
  accept4: [288, 242],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  memfd_create: [319, 279],
  pidfd_send_signal: [424, 424],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
} as const satisfies SystemCalls;

/**
 * libuv submits its epoll_ctl calls through a ring that it made before the filter, and aborts when it may
 * not. What else a ring could do is of no use there: the process has no network and no directory.
 */
const needed: readonly string[] = ['io_uring_enter'];

/** Their numbers on this machine. */
export function callsRefusedToFileWork(): number[] {
  const column = process.arch === 'x64' ? 0 : 1;
  const calls: SystemCalls = { ...refusedCalls, ...beyondFiles };
  return Object.entries(calls).flatMap(([name, pair]) =>
    pair[column] === null || needed.includes(name) ? [] : [pair[column]],
  );
}
