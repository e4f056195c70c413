import { closeSync } from 'node:fs';
import type { GuestPath } from '#contract/common.ts';
import { CasemateError } from '#contract/errors.ts';
import { fileSystemType, fileSystemTypes } from '#kernel/file-system-type.ts';
import { openat2, openFlags, resolveFlags } from '#kernel/openat2.ts';
import { guestPathBytes } from '#warden/files/guest-path.ts';

const diskTypes: readonly number[] = Object.values(fileSystemTypes);

/**
 * The working directory of a program as text for its process file. It must be a directory on a disk
 * of the sandbox; anything on proc is refused, because `/proc/self/fd/N` of the runtime could lead out (H1).
 */
export function workingDirectory(rootFd: number, at: GuestPath): string {
  const path = guestPathBytes(at);
  const text = path.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(path)) {
    throw new CasemateError('invalid_path', 'A working directory must have a UTF-8 name.');
  }
  let fd: number;
  try {
    fd = openat2(rootFd, path, {
      flags: openFlags.path | openFlags.directory,
      resolve: resolveFlags.inRoot | resolveFlags.noMagicLinks,
    });
  } catch (error) {
    throw new CasemateError('invalid_path', 'The working directory is not a directory in the sandbox.', {
      cause: error,
    });
  }
  try {
    if (!diskTypes.includes(fileSystemType(fd))) {
      throw new CasemateError('invalid_path', 'The working directory must lie on the disk of the sandbox.');
    }
  } finally {
    closeSync(fd);
  }
  return text;
}
