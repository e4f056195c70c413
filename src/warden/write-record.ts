import { open, readFile, rename } from 'node:fs/promises';
import type { z } from 'zod';

/** Writes JSON beside `file`, syncs and renames it over: a reader finds the old or the new. Root alone may read it. */
export async function writeRecord(file: string, value: unknown): Promise<void> {
  const beside = `${file}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(value)}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}

/** Reads what `writeRecord` wrote, or answers undefined when there is none. Throws when it does not fit `schema`. */
export async function readRecord<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return schema.parse(JSON.parse(text));
}
