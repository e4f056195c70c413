import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where programs of this architecture name their dynamic loader (PT_INTERP; the ABI supplements fix it). */
const loaders: Readonly<Record<string, string>> = {
  x64: '/lib64/ld-linux-x86-64.so.2',
  arm64: '/lib/ld-linux-aarch64.so.1',
};

/**
 * The files that Node executes: itself, its loader, and the libraries and add-ons that are mapped now, each under
 * the names by which the loader asks for it. The list is this process's own, so it is true of any build of Node.
 */
export function nodeFiles(): string[] {
  const mapped = new Set<string>();
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const [, permissions, , , , file] = line.trim().split(/\s+/);
    if (permissions?.includes('x') && file?.startsWith('/')) mapped.add(file);
  }
  const files = new Set([process.execPath, ...mapped]);
  const loader = loaders[process.arch];
  if (loader !== undefined) files.add(loader);
  for (const file of mapped) for (const name of linksTo(file)) files.add(name);
  return [...files];
}

/** `libx.so.6` beside `libx.so.6.0.30`: the loader asks for the former. */
function linksTo(file: string): string[] {
  const stem = /^(.*\.so)[.\d]*$/.exec(basename(file))?.[1];
  if (stem === undefined) return [];
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(stem))
    .map((name) => join(dirname(file), name))
    .filter((name) => lstatSync(name).isSymbolicLink() && realpathSync(name) === file);
}
