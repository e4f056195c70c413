import { constants } from 'node:fs';
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Copies regular files and directories and nothing else; as new files that belong to who copies. */
export async function copyPlain(from: string, to: string): Promise<void> {
  const status = await lstat(from);
  if (status.isFile()) {
    // Not copyFile, which gives the copy the owner of the original.
    const content = await readFile(from, { flag: constants.O_RDONLY | constants.O_NOFOLLOW });
    await writeFile(to, content, { mode: 0o644 });
  }
  if (!status.isDirectory()) return;
  // The builder writes beside its sources (temporary configuration), so its directories are its own.
  await mkdir(to, { recursive: true, mode: 0o755 });
  for (const name of await readdir(from)) await copyPlain(join(from, name), join(to, name));
}
