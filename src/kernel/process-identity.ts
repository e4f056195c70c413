import { checked, libc } from '#kernel/libc.ts';

const chrootCall = libc.func('int chroot(const char *path)');
const setgroupsCall = libc.func('int setgroups(size_t count, const uint32_t *groups)');
const setresgidCall = libc.func('int setresgid(uint32_t real, uint32_t effective, uint32_t saved)');
const setresuidCall = libc.func('int setresuid(uint32_t real, uint32_t effective, uint32_t saved)');
const prctlCall = libc.func(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * Shuts this process into `directory` and makes it `uid` and `gid` for good, without other groups.
 * Root and working directory belong to the process and glibc changes the ids of every thread, so no
 * thread keeps root's capabilities: the kernel clears them when no id is 0 any more (capabilities(7)).
 * The process dies with the thread that started it, as it did before: the kernel forgets that wish
 * when ids change.
 */
export function becomeShutIn(directory: string, uid: number, gid: number): void {
  checked('chroot', chrootCall(directory));
  process.chdir('/');
  checked('setgroups', setgroupsCall(0, null));
  checked('setresgid', setresgidCall(gid, gid, gid));
  checked('setresuid', setresuidCall(uid, uid, uid));
  checked('prctl', prctlCall(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}
