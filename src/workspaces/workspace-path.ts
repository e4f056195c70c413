import type { GuestPath } from '#contract/common.ts';
import { CasemateError } from '#contract/errors.ts';
import { workspaceDirectory } from '#workspaces/workspace-context.ts';

const maximumPathBytes = 4095;

/** A path of the API: relative to the workspace's directory, `.` for the directory itself. */
export interface RelativePath {
  readonly path: string;
  readonly encoding: 'utf8' | 'base64';
}

/** A path that was checked. */
export interface WorkspacePath {
  /** As the sandbox sees it. */
  readonly guest: GuestPath;
  /** For people: bytes that are not UTF-8 are replaced. */
  readonly display: string;
  /** Last component, for people. */
  readonly name: string;
}

/**
 * Reads a relative path. `invalid_path` for everything that is not plain: absolute ones, empty parts,
 * `..`, NUL, too long, not UTF-8. Links are followed by the warden as the sandbox itself would.
 */
export function parseWorkspacePath({ path, encoding }: RelativePath): WorkspacePath {
  const refuse = (why: string): never => {
    throw new CasemateError('invalid_path', `The path ${why}. Paths are relative to the workspace, like src/main.ts.`);
  };
  if (encoding === 'utf8' && !path.isWellFormed()) refuse('is not valid Unicode');
  if (encoding === 'base64' && !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(path)) {
    refuse('is not base64');
  }
  const bytes = Buffer.from(path, encoding);
  const top = bytes.length === 1 && bytes[0] === 0x2e;
  if (bytes.length === 0) refuse('is empty');
  if (bytes.length > maximumPathBytes - workspaceDirectory.length - 1) refuse('is too long');
  if (bytes.includes(0)) refuse('holds a NUL');
  const display = bytes.toString('utf8');
  if (!top) {
    // Latin-1 keeps one character for each byte, so that a name that is not UTF-8 cannot hide a dot.
    for (const part of bytes.toString('latin1').split('/')) {
      if (part === '') refuse('begins or ends with "/" or has an empty part');
      if (part === '.' || part === '..') refuse('has "." or ".." in it');
      if (part.length > 255) refuse('has a name of more than 255 bytes');
    }
  }
  const whole = top ? Buffer.from(workspaceDirectory) : Buffer.concat([Buffer.from(`${workspaceDirectory}/`), bytes]);
  const guest: GuestPath =
    encoding === 'utf8' ? { path: whole.toString('utf8'), encoding } : { path: whole.toString('base64'), encoding };
  return { guest, display, name: top ? 'workspace' : display.slice(display.lastIndexOf('/') + 1) };
}
