import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  type Stats,
} from 'node:fs';
import { access, open, realpath, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CasemateError } from '#contract/errors.ts';
import { abandonFileSystem } from '#kernel/abandon-file-system.ts';
import { attachLoop } from '#kernel/loop.ts';
import { mount, mountFlags, unmount } from '#kernel/mount.ts';
import { mustRun } from '#warden/processes/run-program.ts';

export interface DiskSize {
  readonly diskMiB: number;
  readonly inodes: number;
}

/**
 * Makes the ext4 image `file`: sparse, so that it takes room as it fills. An empty file system of the
 * same size is made once under `images` and copied (H16: its blocks and inodes are the quota).
 */
export async function makeDiskImage(images: string, file: string, size: DiskSize): Promise<void> {
  const original = `${images}/${size.diskMiB}-${size.inodes}.ext4`;
  const made = await access(original).then(
    () => true,
    () => false,
  );
  if (!made) await makeOriginal(original, size);
  try {
    await mustRun('/bin/cp', ['--sparse=always', '--reflink=auto', '--', original, `${file}.new`]);
  } catch (error) {
    await rm(`${file}.new`, { force: true });
    throw fullOr(error);
  }
  await rename(`${file}.new`, file);
}

async function makeOriginal(original: string, size: DiskSize): Promise<void> {
  const beside = `${original}.${process.hrtime.bigint()}`;
  const handle = await open(beside, 'wx', 0o600);
  await handle.truncate(size.diskMiB * 1_048_576);
  await handle.close();
  // A journal takes 4 MiB at least, and a sixteenth of a small disk is enough for one.
  const journalMiB = Math.min(16, Math.max(4, Math.floor(size.diskMiB / 16)));
  try {
    await mustRun('/sbin/mkfs.ext4', [
      ...['-q', '-F', '-b', '4096', '-I', '256', '-m', '0', '-N', String(size.inodes), '-J', `size=${journalMiB}`],
      ...['-O', '^resize_inode', '-E', 'lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0', beside],
    ]);
  } catch (error) {
    await rm(beside, { force: true });
    throw fullOr(error);
  }
  await rename(beside, original);
}

/** What a program said of a disk without room, as the error that it is. */
function fullOr(error: unknown): unknown {
  if (!(error instanceof Error && error.message.includes('No space left on device'))) return error;
  return new CasemateError('no_space', 'The server has no disk space for another disk.', { cause: error });
}

/** Mounts an image through a loop device of its own, without set-uid programs and device nodes. */
export function mountDiskImage(file: string, target: string): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const loop = attachLoop(file);
  try {
    mount(loop.device, target, 'ext4', mountFlags.noSuid | mountFlags.noDevices, 'discard,errors=remount-ro');
  } finally {
    closeSync(loop.fd);
  }
}

/**
 * Throws `conflict` while a loop device holds the image: a mount that was busy when it left the tree
 * lives on unseen, and a second mount of the same image would destroy it.
 */
export async function requireDetached(file: string): Promise<void> {
  const image = await realpath(file).catch(ignoreMissing);
  if (image === undefined) return;
  for (let attempt = 0; isAttached(image); attempt += 1) {
    if (attempt >= 40) throw new CasemateError('conflict', 'The disk is still in use. Try again in a moment.');
    await sleep(50);
  }
}

function isAttached(file: string): boolean {
  for (const name of readdirSync('/sys/block')) {
    if (!/^loop\d+$/.test(name)) continue;
    if (backingFile(name) === file) return true;
  }
  return false;
}

function backingFile(device: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8').replace(/\n$/, '');
  } catch (error) {
    return ignoreMissing(error as NodeJS.ErrnoException);
  }
}

/** A loop device that is free, or has gone, has no backing file. */
function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENXIO' && error.code !== 'ENODEV') throw error;
}

/**
 * Spares a disk that is thrown away the writing of what has not been written: the longest of its
 * unmount. Nothing happens unless `target` is the root of a file system on a loop device.
 */
export function abandonDisk(target: string): void {
  const above = statOf(dirname(target));
  const own = statOf(target);
  if (above === undefined || own === undefined || own.dev === above.dev || major(own.dev) !== loopMajor) return;
  let fd: number | undefined;
  try {
    fd = openSync(target, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if (fstatSync(fd).dev === own.dev) abandonFileSystem(fd);
  } catch (error) {
    // Abandoned already (EIO), or a kernel that cannot: then the unmount writes it all first.
    const code = (error as { code?: string }).code;
    if (code !== 'EIO' && code !== 'ENOTTY' && code !== 'EOPNOTSUPP') throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });
const loopMajor = 7;
/** glibc's gnu_dev_major, for numbers below 2^32. */
const major = (device: number): number => (device >>> 8) & 0xfff;

/** Unmounts `target` if it is mounted; one that is still busy leaves the tree now and ends with its last user. */
export function unmountDisk(target: string): void {
  try {
    unmount(target);
  } catch (error) {
    const code = (error as { code?: string }).code;
    // EINVAL: not a mount point. ENOENT: nothing there at all.
    if (code === 'EINVAL' || code === 'ENOENT') return;
    if (code !== 'EBUSY') throw error;
    unmount(target, { detach: true });
  }
}

/** Throws `no_space` when the host has less room than the reserve: a thin image on a full host loses data silently. */
export async function requireReserve(directory: string, reserveMiB: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if ((bavail * bsize) / 1_048_576 >= reserveMiB) return;
  throw new CasemateError(
    'no_space',
    'The server has too little free disk space to start another sandbox. Nothing was changed.',
  );
}
