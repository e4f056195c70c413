import { checked, libc } from '#kernel/libc.ts';

const flock = libc.func('int flock(int fd, int operation)');
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes the exclusive lock of an open file, which the kernel releases when the process ends. Throws EWOULDBLOCK when another has it. */
export function lockExclusively(fd: number): void {
  checked('flock', flock(fd, LOCK_EX | LOCK_NB) as number);
}
