import { checked, libc } from '#kernel/libc.ts';

const unshareCall = libc.func('int unshare(int flags)');

/** Namespaces of unshare(2) that need no other process. */
export const namespaceFlags = {
  mount: 0x0002_0000,
  ipc: 0x0800_0000,
  network: 0x4000_0000,
} as const;

/**
 * unshare(2): the calling thread leaves the namespaces it shares. Threads that exist stay where they were,
 * so only a process that starts another program right afterwards may call this: execve ends them.
 */
export function leaveNamespaces(flags: number): void {
  checked('unshare', unshareCall(flags));
}
