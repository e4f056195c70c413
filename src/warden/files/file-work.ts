import { closeSync, constants, fchmodSync, fstatSync, fsyncSync } from 'node:fs';
import type { FileEntry } from '#contract/warden.ts';
import { CasemateError } from '#contract/errors.ts';
import {
  type FileStatus,
  makeDirectoryAt,
  namesIn,
  readLinkAt,
  renameAt,
  statusAt,
  unlinkAt,
} from '#kernel/file-at.ts';
import { fileSystemType, fileSystemTypes } from '#kernel/file-system-type.ts';
import { openat2, openFlags, resolveFlags } from '#kernel/openat2.ts';
import { splitPath } from '#warden/files/guest-path.ts';

/**
 * Work on a sandbox's files from outside (H6). Every path is resolved by openat2 with the sandbox's
 * root as its root, to an O_PATH descriptor whose type and file system are looked at before anything
 * else; after that only descriptors, and names in them, are used. Runs in the file process alone.
 */
export interface GuestRoot {
  readonly rootFd: number;
  readonly firstUid: number;
  /** How many uids and gids it has from there. */
  readonly ids: number;
}

const inside = resolveFlags.inRoot | resolveFlags.noMagicLinks;
/** One component below an open directory: no link, no other place. */
const below = resolveFlags.beneath | resolveFlags.noSymlinks;
/** The sandbox's own disks. Not proc, sysfs, devpts or the host's devtmpfs. */
const allowedTypes: readonly number[] = Object.values(fileSystemTypes);
const noSuchKind = (): CasemateError =>
  new CasemateError('invalid_path', 'Only regular files and directories of the sandbox can be used.');

function requireOwnDisk(fd: number): void {
  if (!allowedTypes.includes(fileSystemType(fd))) throw noSuchKind();
}

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
  return own >= 0 && own < root.ids ? own : 65_534;
}

function text(bytes: Buffer): { name: string; encoding: 'utf8' | 'base64' } {
  const name = bytes.toString('utf8');
  return Buffer.from(name, 'utf8').equals(bytes)
    ? { name, encoding: 'utf8' }
    : { name: bytes.toString('base64'), encoding: 'base64' };
}

function entryOf(root: GuestRoot, name: Buffer, status: FileStatus, target?: Buffer): FileEntry {
  return {
    ...text(name),
    type: status.type,
    size: status.size,
    mode: status.mode,
    uid: inRange(root, status.uid),
    gid: inRange(root, status.gid),
    modifiedMs: status.modifiedMs,
    ...(target ? { target: target.toString('utf8') } : {}),
  };
}

function entryAt(root: GuestRoot, directoryFd: number, name: Buffer): FileEntry {
  const status = statusAt(directoryFd, name);
  return entryOf(root, name, status, status.type === 'symlink' ? readLinkAt(directoryFd, name) : undefined);
}

const itself = Buffer.from('.');
/** A directory that is open by O_PATH, open for reading. */
const openNames = (fd: number): number =>
  openat2(fd, itself, { flags: openFlags.readOnly | openFlags.directory, resolve: below });

/** A reply is one frame of at most a mebibyte; names and targets may hold bytes that JSON makes six of. */
const maximumListingBytes = 900_000;

/** At most `limit` entries in the directory's own order, and no more than a reply holds; a symbolic link is described, not followed. */
export function listDirectory(
  root: GuestRoot,
  path: Buffer,
  limit: number,
): { entries: FileEntry[]; truncated: boolean } {
  return withFd(openDirectory(root, path), (fd) =>
    withFd(openNames(fd), (namesFd) => {
      const entries: FileEntry[] = [];
      let bytes = 0;
      for (const name of namesIn(namesFd)) {
        if (entries.length >= limit) return { entries, truncated: true };
        try {
          const entry = entryAt(root, fd, name);
          bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
          if (bytes > maximumListingBytes) return { entries, truncated: true };
          entries.push(entry);
        } catch (error) {
          // Deleted between the reading and the look: it is not there.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        }
      }
      return { entries, truncated: false };
    }),
  );
}

/** Describes what lies at `path`; a symbolic link itself. */
export function statFile(root: GuestRoot, path: Buffer): FileEntry {
  if (path.length === 1) {
    return withFd(openDirectory(root, path), (fd) => entryOf(root, path, statusAt(fd, itself)));
  }
  const { parent, name } = splitPath(path);
  return withFd(openDirectory(root, parent), (fd) => entryAt(root, fd, name));
}

/** Opens a regular file for reading. Returns a descriptor that the caller closes, and the size. */
export function openForReading(root: GuestRoot, path: Buffer): { fd: number; size: number } {
  return withFd(openPath(root, path, 0), (pathFd) => {
    const seen = fstatSync(pathFd, { bigint: true });
    if (!seen.isFile()) throw noSuchKind();
    const flags = openFlags.readOnly | openFlags.nonBlock | constants.O_NOCTTY;
    const fd = openat2(root.rootFd, path, { flags, resolve: inside });
    // The name may lead elsewhere by now. What was opened in between is let go unread.
    const opened = fstatSync(fd, { bigint: true });
    if (opened.dev === seen.dev && opened.ino === seen.ino) return { fd, size: Number(seen.size) };
    closeSync(fd);
    throw new CasemateError('conflict', 'The path changed while it was looked up. Try again.');
  });
}

/** A new file beside its target: `commitWrite` puts it there, `abandonWrite` takes it away. Both close all. */
export interface PendingWrite {
  readonly directoryFd: number;
  readonly fd: number;
  readonly temporaryName: Buffer;
  readonly name: Buffer;
}

export function beginWrite(root: GuestRoot, path: Buffer, mode: number, temporary: string): PendingWrite {
  const { parent, name } = splitPath(path);
  const temporaryName = Buffer.from(temporary);
  const directoryFd = openDirectory(root, parent);
  try {
    requireReplaceable(directoryFd, name);
    const flags = openFlags.writeOnly | openFlags.create | openFlags.exclusive | openFlags.noFollow;
    const fd = openat2(directoryFd, temporaryName, { flags, mode: 0o600, resolve: below });
    fchmodSync(fd, mode);
    return { directoryFd, fd, temporaryName, name };
  } catch (error) {
    closeSync(directoryFd);
    throw error;
  }
}

function requireReplaceable(directoryFd: number, name: Buffer): void {
  let type: FileStatus['type'];
  try {
    ({ type } = statusAt(directoryFd, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (type !== 'file' && type !== 'symlink') throw noSuchKind();
}

/** Renames the new file over its target. With `durable`, what it answers has reached the disk, its name too. */
export function commitWrite(root: GuestRoot, write: PendingWrite, durable: boolean): FileEntry {
  const { directoryFd, fd, name, temporaryName } = write;
  try {
    try {
      if (durable) fsyncSync(fd);
      renameAt(directoryFd, temporaryName, directoryFd, name);
    } catch (error) {
      unlinkAt(directoryFd, temporaryName);
      throw error;
    }
    if (durable) withFd(openNames(directoryFd), fsyncSync);
    const { uid, gid, size, mode, mtimeMs } = fstatSync(fd);
    return entryOf(root, name, { type: 'file', mode: mode & 0o7777, uid, gid, size, modifiedMs: mtimeMs });
  } finally {
    closeSync(fd);
    closeSync(directoryFd);
  }
}

export function abandonWrite(write: PendingWrite): void {
  try {
    unlinkAt(write.directoryFd, write.temporaryName);
  } finally {
    closeSync(write.fd);
    closeSync(write.directoryFd);
  }
}

/** Takes away what a write left behind whose process was killed. */
export function removeTemporary(root: GuestRoot, path: Buffer, temporary: string): void {
  withFd(openDirectory(root, splitPath(path).parent), (fd) => unlinkAt(fd, Buffer.from(temporary)));
}

export function makeDirectory(root: GuestRoot, path: Buffer): FileEntry {
  const { parent, name } = splitPath(path);
  return withFd(openDirectory(root, parent), (fd) => {
    makeDirectoryAt(fd, name, 0o755);
    return entryAt(root, fd, name);
  });
}

export function renameFile(root: GuestRoot, path: Buffer, to: Buffer): void {
  const [from, target] = [splitPath(path), splitPath(to)];
  withFd(openDirectory(root, from.parent), (fromFd) =>
    withFd(openDirectory(root, target.parent), (toFd) => renameAt(fromFd, from.name, toFd, target.name)),
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
  if (statusAt(directoryFd, name).type !== 'directory') {
    unlinkAt(directoryFd, name);
    return;
  }
  if (depth >= maximumDepth) {
    throw new CasemateError(
      'conflict',
      'The directory is nested too deeply; what lies above was kept. Remove it inside the sandbox.',
    );
  }
  const flags = openFlags.readOnly | openFlags.directory | openFlags.noFollow;
  const fd = openat2(directoryFd, name, { flags, resolve: below | resolveFlags.noCrossMount });
  try {
    for (const inner of namesIn(fd)) {
      yield* removeEntry(fd, inner, depth + 1);
      yield;
    }
  } finally {
    closeSync(fd);
  }
  unlinkAt(directoryFd, name, { directory: true });
}
