import { checked, libc } from '#kernel/libc.ts';

const fallocateCall = libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)');

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
const FALLOC_FL_COLLAPSE_RANGE = 8;

/**
 * Takes the first `length` bytes out of a file, so that what follows begins it: whatever is appended
 * meanwhile stays whole. `length` is a multiple of the block size, and below the file's. Throws
 * ENOTSUP where the file system cannot (fallocate(2), COLLAPSE_RANGE: ext4 and xfs can).
 */
export function collapseHead(fd: number, length: number): void {
  checked('fallocate', fallocateCall(fd, FALLOC_FL_COLLAPSE_RANGE, 0, length));
}

/** Gives the disk back that bytes `from` to `to` take; they read as zeros, and the file keeps its length. */
export function punchHole(fd: number, from: number, to: number): void {
  checked('fallocate', fallocateCall(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from));
}
