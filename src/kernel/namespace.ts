import { checked, libc } from '#kernel/libc.ts';

const setnsCall = libc.func('int setns(int fd, int type)');
const unshareCall = libc.func('int unshare(int flags)');
const CLONE_NEWNET = 0x40000000;
const CLONE_NEWNS = 0x20000;
const CLONE_FS = 0x200;

/**
 * setns(2) of the calling thread into a network namespace. Only the dedicated Worker may call it (H2):
 * every thread or child made while it is away would be away too.
 */
export function enterNetworkNamespace(fd: number): void {
  checked('setns', setnsCall(fd, CLONE_NEWNET));
}

/**
 * setns(2) of the calling thread into a mount namespace; its root and working directory are that namespace's then.
 * Only for a process that ends soon: its other threads stay where they were.
 */
export function enterMountNamespace(fd: number): void {
  // The kernel refuses a thread that shares its root with others.
  checked('unshare', unshareCall(CLONE_FS));
  checked('setns', setnsCall(fd, CLONE_NEWNS));
}
