import { checked, libc, syscallNumbers } from '#kernel/libc.ts';

const mountCall = libc.func(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
const umountCall = libc.func('int umount2(const char *target, int flags)');
const openTreeCall = libc.func('long syscall(long number, long directory, const char *path, long flags)');
const moveMountCall = libc.func(
  'long syscall(long number, long fromFd, const char *from, long toFd, const char *to, long flags)',
);
const setattrCall = libc.func(
  'long syscall(long number, long fd, const char *path, long flags, const uint8_t *attributes, long size)',
);

const setattrPathCall = libc.func(
  'long syscall(long number, long directory, const char *path, long flags, const uint8_t *attributes, long size)',
);

export const mountFlags = {
  readOnly: 1,
  noSuid: 2,
  noDevices: 4,
  noExec: 8,
  remount: 32,
  noAtime: 1024,
  bind: 4096,
  recursive: 16_384,
  private: 1 << 18,
} as const;

/** mount(2). */
export function mount(
  source: string | null,
  target: string,
  type: string | null,
  flags: number,
  data: string | null,
): void {
  checked('mount', mountCall(source, target, type, flags, data));
}

/** umount2(2). `detach` takes it out of the tree now and lets it go when nobody uses it. */
export function unmount(target: string, options: { detach?: boolean } = {}): void {
  const UMOUNT_NOFOLLOW = 8;
  checked('umount2', umountCall(target, UMOUNT_NOFOLLOW | (options.detach ? 2 : 0)));
}

/** MNT_DETACH of umount2(2). */
export const mountDetachFlag = 2;

/** umount2(2) of the mount at the working directory. */
export function umountHere(flags: number): void {
  checked('umount2', umountCall('.', flags));
}

const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const AT_EMPTY_PATH = 0x1000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const here = -100;

/** open_tree(2), OPEN_TREE_CLONE: a detached copy of the mount at `path`, as a descriptor closed on exec. */
export function cloneTree(path: string): number {
  return checked('open_tree', openTreeCall(syscallNumbers.openTree, here, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

/** Bits of mount_setattr(2). */
export const mountAttributes = { readOnly: 1, noSuid: 2, noDevices: 4, noExec: 8, idmap: 0x100000 } as const;

/** mount_setattr(2) on a detached tree; `userNamespaceFd` gives the mapping when `idmap` is set. */
export function setMountAttributes(treeFd: number, set: number, userNamespaceFd = 0, clear = 0): void {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(set), 0);
  attributes.writeBigUInt64LE(BigInt(clear), 8);
  attributes.writeBigUInt64LE(BigInt(userNamespaceFd), 24);
  checked(
    'mount_setattr',
    setattrCall(syscallNumbers.mountSetattr, treeFd, '', AT_EMPTY_PATH, attributes, attributes.length),
  );
}

/** mount_setattr(2) on the mount at `path` and, when `recursive`, on every mount below it. */
export function setAttributesAt(path: string, change: { set: number; clear: number; recursive: boolean }): void {
  const AT_RECURSIVE = 0x8000;
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(change.set), 0);
  attributes.writeBigUInt64LE(BigInt(change.clear), 8);
  const flags = change.recursive ? AT_RECURSIVE : 0;
  checked(
    'mount_setattr',
    setattrPathCall(syscallNumbers.mountSetattr, here, path, flags, attributes, attributes.length),
  );
}

/** move_mount(2): attaches a detached tree at `target`. */
export function attachTree(treeFd: number, target: string): void {
  checked('move_mount', moveMountCall(syscallNumbers.moveMount, treeFd, '', here, target, MOVE_MOUNT_F_EMPTY_PATH));
}
