import koffi from 'koffi';
import { checked, libc, SystemError } from '#kernel/libc.ts';

const spliceCall = libc.func(
  'long splice(int input, int64_t *inputOffset, int output, const int64_t *outputOffset, size_t length, unsigned int flags)',
);
const pipeCall = libc.func('int pipe2(_Out_ int *ends, int flags)');

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const CLOEXEC = 0o2000000;
const NONBLOCK = 0o4000;
const EAGAIN = 11;
const EINTR = 4;

/**
 * Moves at most `length` bytes inside the kernel (splice(2)); one end is a pipe. With `at`, they go
 * to that offset of the output file. Answers the bytes moved, 0 at the end of input, undefined when
 * it would have to wait. Throws a SystemError; what was not moved stays where it was.
 */
export function splice(input: number, output: number, length: number, at?: number): number | undefined {
  const offset = at === undefined ? null : new BigInt64Array([BigInt(at)]);
  const moved = Number(spliceCall(input, null, output, offset, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
  if (moved >= 0) return moved;
  const errno = koffi.errno();
  if (errno === EAGAIN || errno === EINTR) return undefined;
  throw new SystemError('splice', errno);
}

/** A pipe, non-blocking at both ends and closed on exec (pipe2(2)). */
export function makePipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = [0, 0];
  checked('pipe2', pipeCall(ends, CLOEXEC | NONBLOCK));
  return { readEnd: Number(ends[0]), writeEnd: Number(ends[1]) };
}
