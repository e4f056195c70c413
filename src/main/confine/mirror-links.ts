import { existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** As the kernel's own limit (path_resolution(7)). */
const mostLinks = 40;

/**
 * Makes below `stage` each symbolic link that the host's `path` passes through, and answers with the path that has
 * none: what is there can then be reached under both names.
 */
export function mirrorLinks(path: string, stage: string): string {
  let rest = path.split('/').filter(Boolean);
  let at = '/';
  for (let links = 0; rest.length > 0; ) {
    const [name = '', ...below] = rest;
    const next = join(at, name);
    if (!lstatSync(next).isSymbolicLink()) {
      at = next;
      rest = below;
      continue;
    }
    links += 1;
    if (links > mostLinks) throw new Error(`${path} passes through too many symbolic links`);
    const target = readlinkSync(next);
    if (!lstatSync(`${stage}${next}`, { throwIfNoEntry: false })) {
      if (!existsSync(`${stage}${at}`)) mkdirSync(`${stage}${at}`, { recursive: true, mode: 0o755 });
      symlinkSync(target, `${stage}${next}`);
    }
    rest = [...resolve(dirname(next), target).split('/').filter(Boolean), ...below];
    at = '/';
  }
  return at;
}
