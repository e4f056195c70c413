import { checked, libc } from '#kernel/libc.ts';

const setnsCall = libc.func('int setns(int fd, int type)');
const CLONE_NEWNET = 0x40000000;

/**
 * setns(2) of the calling thread into a network namespace. Only the dedicated Worker may call it (H2):
 * every thread or child made while it is away would be away too.
 */
export function enterNetworkNamespace(fd: number): void {
  checked('setns', setnsCall(fd, CLONE_NEWNET));
}
