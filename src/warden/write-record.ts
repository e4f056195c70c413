import { renameSync, writeFileSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import type { z } from 'zod';

const text = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** Writes JSON beside `file`, syncs and renames it over: a reader finds the old or the new. Root alone may read it. */
export async function writeRecord(file: string, value: unknown): Promise<void> {
  const beside = `${file}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(text(value));
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}

/**
 * The same at once and without the sync: for what a process of the machine's next boot has no use for,
 * because all that it tells of has ended with this one. It survives the end of this process.
 */
export function placeRecord(file: string, value: unknown): void {
  const beside = `${file}.new`;
  writeFileSync(beside, text(value), { mode: 0o600 });
  renameSync(beside, file);
}

/** Reads what `writeRecord` wrote, or answers undefined when there is none. Throws when it does not fit `schema`. */
export async function readRecord<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  const read = await readText(file);
  return read === undefined ? undefined : schema.parse(JSON.parse(read));
}

/** Reads what `placeRecord` wrote: an empty file, which a power cut may leave of it, counts as none. */
export async function readPlacedRecord<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  const read = await readText(file);
  return read === undefined || read === '' ? undefined : schema.parse(JSON.parse(read));
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
