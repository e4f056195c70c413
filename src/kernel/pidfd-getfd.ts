import { checked, libc, syscallNumbers } from '#kernel/libc.ts';

const getfdCall = libc.func('long syscall(long number, long pidfd, long target, long flags)');

/**
 * A copy of descriptor `target` of another process (pidfd_getfd(2)), closed on exec. Needs the right
 * to ptrace it: the same uid, both dumpable. ESRCH: it ended; EBADF: it has no such descriptor.
 */
export function pidfdGetfd(pidfd: number, target: number): number {
  return checked('pidfd_getfd', getfdCall(syscallNumbers.pidfdGetfd, pidfd, target, 0));
}
