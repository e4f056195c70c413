import { closeSync, constants, openSync, statSync } from 'node:fs';
import { checked, libc } from '#kernel/libc.ts';
import { mount, mountDetachFlag, mountFlags, umountHere } from '#kernel/mount.ts';

const pivotRootCall = libc.func('long syscall(long number, const char *root, const char *old)');
const chrootCall = libc.func('int chroot(const char *path)');
const fchdirCall = libc.func('int fchdir(int fd)');
const PIVOT_ROOT = process.arch === 'arm64' ? 41 : 155;

/**
 * Cuts this mount namespace off from the one it was copied from: no mount made here appears there (mount(2),
 * MS_PRIVATE). Below a chroot the namespace's own root is where that has to be said. `directory` is any.
 */
export function keepMountsHere(directory: string): void {
  const everything = (): void => mount(null, '/', null, mountFlags.private | mountFlags.recursive, null);
  try {
    everything();
  } catch (error) {
    if ((error as { code?: string }).code !== 'EINVAL') throw error;
    const home = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      leaveChroot(directory);
      everything();
      enter(home);
      checked('chroot', chrootCall('.'));
    } finally {
      closeSync(home);
    }
  }
}

/**
 * Makes the mount at `directory` the root of this mount namespace, of which the process must be the only
 * member, and takes everything else out of it (pivot_root(2)). Works below a chroot as well: the kernel
 * refuses to pivot there, so the namespace's own root is taken first.
 */
export function becomeRoot(directory: string): void {
  const root = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    enter(root);
    try {
      pivotHere();
    } catch (error) {
      if ((error as { code?: string }).code !== 'EINVAL') throw error;
      leaveChroot(directory);
      enter(root);
      pivotHere();
    }
  } finally {
    closeSync(root);
  }
  umountHere(mountDetachFlag);
  process.chdir('/');
}

function enter(fd: number): void {
  checked('fchdir', fchdirCall(fd));
}

/** The old root is mounted over the new one, whence it is taken away: no directory is needed for it (pivot_root(2)). */
function pivotHere(): void {
  checked('pivot_root', pivotRootCall(PIVOT_ROOT, '.', '.'));
}

/** With the root moved below the working directory nothing stops `..` before the namespace's own root (chroot(2)). */
function leaveChroot(below: string): void {
  process.chdir('/');
  checked('chroot', chrootCall(below));
  for (let before = '', here = identity('.'); before !== here; here = identity('.')) {
    before = here;
    process.chdir('..');
  }
  checked('chroot', chrootCall('.'));
}

function identity(path: string): string {
  const { dev, ino } = statSync(path);
  return `${dev}:${ino}`;
}
