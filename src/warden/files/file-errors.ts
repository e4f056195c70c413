import { CasemateError, type ErrorCode, isErrorCode } from '#contract/errors.ts';
import type { FileFailure } from '#warden/files/file-messages.ts';

const codes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['not_found', 'There is no such file in the sandbox.'],
  ENOTDIR: ['invalid_path', 'A part of the path is not a directory.'],
  EISDIR: ['invalid_path', 'The path names a directory.'],
  ELOOP: ['invalid_path', 'The path has too many or forbidden symbolic links.'],
  ENAMETOOLONG: ['invalid_path', 'The path is too long.'],
  EINVAL: ['invalid_path', 'The path cannot be used this way.'],
  EXDEV: ['invalid_path', 'The path leads to another file system.'],
  ENXIO: ['invalid_path', 'Only regular files and directories of the sandbox can be used.'],
  EACCES: ['forbidden', 'The sandbox does not allow its user to do this.'],
  EPERM: ['forbidden', 'The sandbox does not allow its user to do this.'],
  EROFS: ['forbidden', 'The path cannot be changed.'],
  EEXIST: ['already_exists', 'It exists already in the sandbox.'],
  ENOTEMPTY: ['conflict', 'The directory is not empty.'],
  EBUSY: ['conflict', 'The path is in use.'],
  ENOSPC: ['no_space', 'The sandbox has no room left. What was there was kept.'],
  EDQUOT: ['no_space', 'The sandbox has no room left. What was there was kept.'],
  EAGAIN: ['conflict', 'The path changed while it was looked up. Try again.'],
};

/**
 * What a file process said went wrong, as an error for callers. The process works on hostile files, so
 * nothing of what it says is passed on but codes of the catalogue and short texts.
 */
export function fileError({ code, message, known }: FileFailure): CasemateError {
  if (known === true && isErrorCode(code)) return new CasemateError(code, String(message).slice(0, 200));
  const [translated, text] = (Object.hasOwn(codes, code) ? codes[code] : undefined) ?? [];
  if (translated) return new CasemateError(translated, text);
  return new CasemateError('internal', undefined, { cause: new Error(String(message).slice(0, 200)) });
}
