import { checked, libc } from '#kernel/libc.ts';

const fcntlCall = libc.func('int fcntl(int fd, int command, int argument)');
const F_DUPFD_CLOEXEC = 1030;

/** A second descriptor of the same open file, closed on exec (fcntl(2)). */
export function duplicate(fd: number): number {
  return checked('fcntl', fcntlCall(fd, F_DUPFD_CLOEXEC, 3));
}
