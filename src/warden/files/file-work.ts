import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import type { FileEntry } from '#contract/warden.ts';
import { CasemateError } from '#contract/errors.ts';
import { fileSystemType, fileSystemTypes } from '#kernel/file-system-type.ts';
import { openat2, openFlags, resolveFlags } from '#kernel/openat2.ts';
import { splitPath } from '#warden/files/guest-path.ts';
import { idsPerRange } from '#warden/uid-ranges.ts';

/**
 * Work on a sandbox's files from outside (H6). Every path is resolved by openat2 with the sandbox's
 * root as its root, to an O_PATH descriptor whose type and file system are looked at before anything
 * else; after that only descriptors are named. Runs with the file identity of the sandbox's user.
 */
export interface GuestRoot {
  readonly rootFd: number;
  readonly firstUid: number;
}

const inside = resolveFlags.inRoot | resolveFlags.noMagicLinks;
/** The sandbox's own disks. Not proc, sysfs, devpts or the host's devtmpfs. */
const allowedTypes: readonly number[] = Object.values(fileSystemTypes);
const noSuchKind = (): CasemateError =>
  new CasemateError('invalid_path', 'Only regular files and directories of the sandbox can be used.');

function requireOwnDisk(fd: number): void {
  if (!allowedTypes.includes(fileSystemType(fd))) throw noSuchKind();
}

/** A name below an open directory, in the only form of Node's calls that cannot be raced. */
const under = (directoryFd: number, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${directoryFd}/`), name]);

function withFd<Result>(fd: number, act: (fd: number) => Result): Result {
  try {
    return act(fd);
  } finally {
    closeSync(fd);
  }
}

function openPath(root: GuestRoot, path: Buffer, flags: number): number {
  const fd = openat2(root.rootFd, path, { flags: openFlags.path | flags, resolve: inside });
  try {
    requireOwnDisk(fd);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const openDirectory = (root: GuestRoot, path: Buffer): number => openPath(root, path, openFlags.directory);

function inRange(root: GuestRoot, id: number): number {
  const own = id - root.firstUid;
  return own >= 0 && own < idsPerRange ? own : 65_534;
}

function text(bytes: Buffer): { name: string; encoding: 'utf8' | 'base64' } {
  const name = bytes.toString('utf8');
  return Buffer.from(name, 'utf8').equals(bytes)
    ? { name, encoding: 'utf8' }
    : { name: bytes.toString('base64'), encoding: 'base64' };
}

function entryOf(root: GuestRoot, name: Buffer, stat: Stats, target?: Buffer): FileEntry {
  const type = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'other';
  return {
    ...text(name),
    type,
    size: stat.size,
    mode: stat.mode & 0o7777,
    uid: inRange(root, stat.uid),
    gid: inRange(root, stat.gid),
    modifiedMs: stat.mtimeMs,
    ...(target ? { target: target.toString('utf8') } : {}),
  };
}

function entryAt(root: GuestRoot, directoryFd: number, name: Buffer): FileEntry {
  const path = under(directoryFd, name);
  const stat = lstatSync(path);
  return entryOf(root, name, stat, stat.isSymbolicLink() ? readlinkSync(path, { encoding: 'buffer' }) : undefined);
}

/** At most `limit` entries in the directory's own order; a symbolic link is described, not followed. */
export function listDirectory(
  root: GuestRoot,
  path: Buffer,
  limit: number,
): { entries: FileEntry[]; truncated: boolean } {
  return withFd(openDirectory(root, path), (fd) => {
    const directory = opendirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    try {
      const entries: FileEntry[] = [];
      for (let item = directory.readSync(); item; item = directory.readSync()) {
        if (entries.length >= limit) return { entries, truncated: true };
        try {
          entries.push(entryAt(root, fd, item.name as unknown as Buffer));
        } catch (error) {
          // Deleted between the reading and the look: it is not there.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        }
      }
      return { entries, truncated: false };
    } finally {
      directory.closeSync();
    }
  });
}

/** Describes what lies at `path`; a symbolic link itself. */
export function statFile(root: GuestRoot, path: Buffer): FileEntry {
  if (path.length === 1) return withFd(openDirectory(root, path), (fd) => entryOf(root, path, fstatSync(fd)));
  const { parent, name } = splitPath(path);
  return withFd(openDirectory(root, parent), (fd) => entryAt(root, fd, name));
}

/** Opens a regular file for reading. Returns a descriptor that the caller closes, and the size. */
export function openForReading(root: GuestRoot, path: Buffer): { fd: number; size: number } {
  return withFd(openPath(root, path, 0), (pathFd) => {
    const stat = fstatSync(pathFd);
    if (!stat.isFile()) throw noSuchKind();
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return { fd: openSync(`/proc/self/fd/${pathFd}`, flags), size: stat.size };
  });
}

/** A new file beside its target: `commitWrite` puts it there, `abandonWrite` takes it away. Both close all. */
export interface PendingWrite {
  readonly directoryFd: number;
  readonly fd: number;
  readonly temporaryName: string;
  readonly name: Buffer;
}

export function beginWrite(root: GuestRoot, path: Buffer, mode: number, temporaryName: string): PendingWrite {
  const { parent, name } = splitPath(path);
  const directoryFd = openDirectory(root, parent);
  try {
    requireReplaceable(directoryFd, name);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(under(directoryFd, Buffer.from(temporaryName)), flags, 0o600);
    fchmodSync(fd, mode);
    return { directoryFd, fd, temporaryName, name };
  } catch (error) {
    closeSync(directoryFd);
    throw error;
  }
}

function requireReplaceable(directoryFd: number, name: Buffer): void {
  const stat = lstatSync(under(directoryFd, name), { throwIfNoEntry: false });
  if (stat && !stat.isFile() && !stat.isSymbolicLink()) throw noSuchKind();
}

export function commitWrite(root: GuestRoot, write: PendingWrite): FileEntry {
  const { directoryFd, fd, name } = write;
  try {
    const temporary = under(directoryFd, Buffer.from(write.temporaryName));
    try {
      renameSync(temporary, under(directoryFd, name));
    } catch (error) {
      unlinkSync(temporary);
      throw error;
    }
    return entryOf(root, name, fstatSync(fd));
  } finally {
    closeSync(fd);
    closeSync(directoryFd);
  }
}

export function abandonWrite(write: PendingWrite): void {
  try {
    unlinkSync(under(write.directoryFd, Buffer.from(write.temporaryName)));
  } finally {
    closeSync(write.fd);
    closeSync(write.directoryFd);
  }
}

export function makeDirectory(root: GuestRoot, path: Buffer): FileEntry {
  const { parent, name } = splitPath(path);
  return withFd(openDirectory(root, parent), (fd) => {
    mkdirSync(under(fd, name), { mode: 0o755 });
    return entryAt(root, fd, name);
  });
}

export function renameFile(root: GuestRoot, path: Buffer, to: Buffer): void {
  const [from, target] = [splitPath(path), splitPath(to)];
  withFd(openDirectory(root, from.parent), (fromFd) =>
    withFd(openDirectory(root, target.parent), (toFd) =>
      renameSync(under(fromFd, from.name), under(toFd, target.name)),
    ),
  );
}

const maximumDepth = 256;

/**
 * Removes a file, a link, or a directory with all that is below it, without following a link or
 * leaving its file system. Yields after each entry, so that others get their turn.
 */
export function* removeFile(root: GuestRoot, path: Buffer): Generator<void> {
  const { parent, name } = splitPath(path);
  const fd = openDirectory(root, parent);
  try {
    yield* removeEntry(fd, name, 0);
  } finally {
    closeSync(fd);
  }
}

function* removeEntry(directoryFd: number, name: Buffer, depth: number): Generator<void> {
  if (!lstatSync(under(directoryFd, name)).isDirectory()) {
    unlinkSync(under(directoryFd, name));
    return;
  }
  if (depth >= maximumDepth) {
    throw new CasemateError(
      'conflict',
      'The directory is nested too deeply; what lies above was kept. Remove it inside the sandbox.',
    );
  }
  const resolve = resolveFlags.beneath | resolveFlags.noSymlinks | resolveFlags.noCrossMount;
  const fd = openat2(directoryFd, name, { flags: openFlags.path | openFlags.directory | openFlags.noFollow, resolve });
  try {
    const directory = opendirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    try {
      for (let item = directory.readSync(); item; item = directory.readSync()) {
        yield* removeEntry(fd, item.name as unknown as Buffer, depth + 1);
        yield;
      }
    } finally {
      directory.closeSync();
    }
  } finally {
    closeSync(fd);
  }
  rmdirSync(under(directoryFd, name));
}
