import { checked, libc } from '#kernel/libc.ts';
import { pathBytes } from '#kernel/openat2.ts';

/**
 * Calls about a name in an open directory. Node has only those that take a path, which would need
 * /proc/self/fd to be about a descriptor; a process that is shut in has no /proc.
 */
const mkdiratCall = libc.func('int mkdirat(int directory, const uint8_t *name, uint32_t mode)');
const unlinkatCall = libc.func('int unlinkat(int directory, const uint8_t *name, int flags)');
const renameatCall = libc.func('int renameat(int from, const uint8_t *name, int to, const uint8_t *newName)');
const readlinkatCall = libc.func(
  'long readlinkat(int directory, const uint8_t *name, _Out_ uint8_t *target, size_t length)',
);
const statxCall = libc.func(
  'int statx(int directory, const uint8_t *name, int flags, unsigned int mask, _Out_ uint8_t *buffer)',
);
const getdentsCall = libc.func('long syscall(long number, long fd, _Out_ uint8_t *buffer, size_t length)');
const GETDENTS64 = process.arch === 'arm64' ? 61 : 217;

const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_NO_AUTOMOUNT = 0x800;
const STATX_BASIC_STATS = 0x7ff;
const maximumTargetBytes = 4096;

/** mkdirat(2); the mode is subject to the umask. */
export function makeDirectoryAt(directoryFd: number, name: Uint8Array, mode: number): void {
  checked('mkdirat', mkdiratCall(directoryFd, pathBytes(name), mode));
}

/** unlinkat(2): a file or link, or with `directory` an empty directory. */
export function unlinkAt(directoryFd: number, name: Uint8Array, options: { readonly directory?: boolean } = {}): void {
  checked('unlinkat', unlinkatCall(directoryFd, pathBytes(name), options.directory ? AT_REMOVEDIR : 0));
}

/** renameat(2). */
export function renameAt(fromFd: number, name: Uint8Array, toFd: number, newName: Uint8Array): void {
  checked('renameat', renameatCall(fromFd, pathBytes(name), toFd, pathBytes(newName)));
}

/** readlinkat(2): where a symbolic link points, as bytes. */
export function readLinkAt(directoryFd: number, name: Uint8Array): Buffer {
  const target = Buffer.alloc(maximumTargetBytes);
  const length = checked('readlinkat', readlinkatCall(directoryFd, pathBytes(name), target, target.length));
  return target.subarray(0, length);
}

export interface FileStatus {
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits, set-uid and its like among them. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  readonly modifiedMs: number;
}

const types: Readonly<Record<number, FileStatus['type']>> = {
  0o100000: 'file',
  0o040000: 'directory',
  0o120000: 'symlink',
};

/** statx(2) of a name in an open directory; a symbolic link itself. */
export function statusAt(directoryFd: number, name: Uint8Array): FileStatus {
  const buffer = Buffer.alloc(256);
  const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  checked('statx', statxCall(directoryFd, pathBytes(name), flags, STATX_BASIC_STATS, buffer));
  const mode = buffer.readUInt16LE(28);
  return {
    type: types[mode & 0o170000] ?? 'other',
    mode: mode & 0o7777,
    uid: buffer.readUInt32LE(20),
    gid: buffer.readUInt32LE(24),
    size: Number(buffer.readBigUInt64LE(40)),
    modifiedMs: Number(buffer.readBigInt64LE(112)) * 1000 + buffer.readUInt32LE(120) / 1_000_000,
  };
}

/** Names in a directory that is open for reading, in its own order, without `.` and `..` (getdents64(2)). */
export function* namesIn(fd: number): Generator<Buffer> {
  const buffer = Buffer.alloc(32_768);
  for (;;) {
    const length = checked('getdents64', getdentsCall(GETDENTS64, fd, buffer, buffer.length));
    if (length === 0) return;
    // Of its own: the caller may ask for the next batch while it holds a name of this one.
    const batch = Buffer.from(buffer.subarray(0, length));
    for (let at = 0; at < length; at += batch.readUInt16LE(at + 16)) {
      const start = at + 19;
      const name = batch.subarray(start, batch.indexOf(0, start));
      if (!name.equals(here) && !name.equals(above)) yield name;
    }
  }
}

const here = Buffer.from('.');
const above = Buffer.from('..');
