import { checked, libc } from '#kernel/libc.ts';

const pipe2 = libc.func('int pipe2(_Out_ int *ends, int flags)');
const O_CLOEXEC = 0o2000000;

/** pipe2(2): a pipe whose ends are closed on exec. */
export function openPipe(): { readFd: number; writeFd: number } {
  const ends = [0, 0];
  checked('pipe2', pipe2(ends, O_CLOEXEC));
  const [readFd = -1, writeFd = -1] = ends;
  return { readFd, writeFd };
}
