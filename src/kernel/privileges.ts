import koffi from 'koffi';
import { checked, libc, SystemError } from '#kernel/libc.ts';

const prctl = libc.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');
const capsetCall = libc.func('syscall', 'long', ['long', 'uint8_t *', 'uint8_t *']);
const setrlimitCall = libc.func('int setrlimit(int resource, const uint8_t *limit)');
const CAPSET = process.arch === 'arm64' ? 91 : 126;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const PR_SET_PDEATHSIG = 1;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const RLIMIT_CORE = 4;
const EINVAL = 22;

/**
 * Gives up root for good: bounding set, groups, ids, all capability sets, and the way back (no_new_privs).
 * The capability sets are the calling thread's alone: only for a process that starts a program next.
 */
export function dropPrivileges(identity: { readonly uid: number; readonly gid: number }): void {
  keepInBoundingSet([]);
  process.setgroups?.([]);
  process.setgid?.(identity.gid);
  process.setuid?.(identity.uid);
  checked('prctl', prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  const header = Buffer.alloc(8);
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  checked('capset', capsetCall(CAPSET, header, Buffer.alloc(24)));
  forbidNewPrivileges();
}

/** prctl(2), PR_SET_NO_NEW_PRIVS: no program that the calling thread starts gains anything by being started. */
export function forbidNewPrivileges(): void {
  checked('prctl', prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/** Takes from the calling thread every capability of the bounding set but `kept` (capabilities(7)). */
export function keepInBoundingSet(kept: readonly number[]): void {
  for (let capability = 0; ; capability += 1) {
    if (kept.includes(capability)) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) === 0) continue;
    const errno = koffi.errno();
    // The kernel knows no more of them.
    if (errno === EINVAL && capability > 0) return;
    throw new SystemError('prctl', errno);
  }
}

/** The signal that this process gets when the thread that started it ends. A change of identity clears it: call it last. */
export function setDeathSignal(signal: number): void {
  checked('prctl', prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0));
}

/** What this process held in memory is never written to a file when it crashes (setrlimit(2), RLIMIT_CORE). */
export function forbidCoreDumps(): void {
  checked('setrlimit', setrlimitCall(RLIMIT_CORE, Buffer.alloc(16)));
}
