import type { GuestPath } from '#contract/common.ts';
import { CasemateError } from '#contract/errors.ts';

const maximumBytes = 4095;
const slash = 0x2f;

/**
 * The bytes of a path as a sandbox sees it: absolute, without `..`, NUL and repeated slashes. Throws
 * `invalid_path` otherwise. Containment does not rest on this, but on openat2.
 */
export function guestPathBytes(at: GuestPath): Buffer {
  const bytes = Buffer.from(at.path, at.encoding === 'base64' ? 'base64' : 'utf8');
  const refuse = (message: string): never => {
    throw new CasemateError('invalid_path', message);
  };
  if (at.encoding === 'base64' && bytes.toString('base64') !== at.path) refuse('The path is not valid base64.');
  if (at.encoding === 'utf8' && bytes.toString('utf8') !== at.path) refuse('The path is not valid Unicode.');
  if (bytes.includes(0)) refuse('A path cannot hold a NUL byte.');
  if (bytes.length > maximumBytes) refuse(`A path has at most ${maximumBytes} bytes.`);
  if (bytes[0] !== slash) refuse('The path must be absolute.');
  const parts = components(bytes);
  if (parts.some((part) => part.equals(Buffer.from('..')))) refuse('The path must not contain "..".');
  if (parts.some((part) => part.length > 255)) refuse('A file name has at most 255 bytes.');
  const kept = parts.filter((part) => !part.equals(Buffer.from('.')));
  return Buffer.concat(kept.length === 0 ? [Buffer.from('/')] : kept.flatMap((part) => [Buffer.of(slash), part]));
}

function components(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let at = 0; at <= bytes.length; at += 1) {
    if (at < bytes.length && bytes[at] !== slash) continue;
    if (at > start) parts.push(bytes.subarray(start, at));
    start = at + 1;
  }
  return parts;
}

/** Splits what `guestPathBytes` answered. Throws `invalid_path` for the root itself. */
export function splitPath(path: Buffer): { parent: Buffer; name: Buffer } {
  const last = path.lastIndexOf(slash);
  const name = path.subarray(last + 1);
  if (name.length === 0) throw new CasemateError('invalid_path', 'The root directory cannot be changed this way.');
  return { parent: last === 0 ? Buffer.from('/') : path.subarray(0, last), name };
}
