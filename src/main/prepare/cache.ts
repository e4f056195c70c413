import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Where built things lie, by digest; shared by all instances of this machine and root-owned. */
export function cacheDirectory(): string {
  const directory = process.env.CASEMATE_CACHE;
  if (!directory?.startsWith('/')) throw new Error('CASEMATE_CACHE must be an absolute path');
  return directory;
}

export const runsAsRoot = (): boolean => process.getuid?.() === 0;

export async function digestOfFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(await readFile(path));
  return hash.digest('hex').slice(0, 32);
}

/**
 * Makes the directory `target` through `build`, which fills a sibling that is then renamed, so that
 * what exists is always complete.
 */
export async function buildOnce(target: string, build: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${target}.partial-${randomBytes(6).toString('hex')}`;
  await mkdir(partial, { recursive: true, mode: 0o755 });
  try {
    await build(partial);
    await rename(partial, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

export const inCache = (...parts: readonly string[]): string => join(cacheDirectory(), ...parts);
