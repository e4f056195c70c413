import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';

/** Folders that hold our code, and exist. */
export function sourceFolders(root: string): string[] {
  return ['src', 'tools', 'test', 'web'].filter((folder) => existsSync(resolve(root, folder)));
}

/** Our TypeScript files, relative to `root`, sorted. */
export function sourceFiles(root: string): string[] {
  return sourceFolders(root)
    .flatMap((folder) =>
      readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
    )
    .filter((path) => /\.tsx?$/.test(path) && !/(^|\/)(dist|node_modules)\//.test(path))
    .toSorted();
}
