import { checked, libc } from '#kernel/libc.ts';

const closeRangeCall = libc.func(
  'long syscall(long number, unsigned long first, unsigned long last, unsigned long flags)',
);
const CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;

/**
 * Marks every descriptor from 3 on, whoever opened or leaked it, to be closed when a program is
 * started (close_range(2)). Programs get their descriptors 0–2 by dup2, which clears the mark (H1).
 */
export function closeAllOnExec(): void {
  checked('close_range', closeRangeCall(CLOSE_RANGE, 3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC));
}
