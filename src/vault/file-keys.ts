import { constants } from 'node:fs';
import { link, mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { KeyProvider, VaultKeys } from '#vault/key-provider.ts';
import { formatKeyText, parseKeyText } from '#vault/key-text.ts';

/**
 * Keys in `<directory>/vault.keys`, 0600, made at the first start. Refuses a file that others can
 * read or that is a link. Losing the file loses what was sealed: back it up apart from the database.
 */
export function fileKeys(directory: string): KeyProvider {
  const path = join(directory, 'vault.keys');
  return {
    source: path,
    async load() {
      return (await readKeys(path)) ?? (await makeKeys(directory, path));
    },
  };
}

async function readKeys(path: string): Promise<VaultKeys | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const status = await file.stat();
    if (!status.isFile() || (status.mode & 0o077) !== 0) {
      throw new Error(`${path} can be read by others; its keys may be known. Its mode must be 0600`);
    }
    return parseKeyText(await file.readFile('utf8'), path);
  } finally {
    await file.close();
  }
}

async function makeKeys(directory: string, path: string): Promise<VaultKeys> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const keys: VaultKeys = { sealing: [{ id: 1, bytes: randomBytes(32) }], lookup: randomBytes(32) };
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(fresh, 'wx', 0o600);
  try {
    await file.writeFile(formatKeyText(keys));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A link, unlike a rename, never replaces keys that another start made meanwhile.
    await link(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(fresh);
  }
  const parent = await open(directory, 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
  const kept = await readKeys(path);
  if (!kept) throw new Error(`${path} went away while it was made`);
  return kept;
}
