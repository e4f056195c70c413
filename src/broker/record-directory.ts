import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import type { Log } from '#channel/log.ts';
import { removeDurableFile, writeDurableFile } from '#broker/durable-file.ts';

/** Records on disk, one JSON file each, held in memory as well. */
export interface RecordDirectory<Entry> {
  get(name: string): Entry | undefined;
  values(): Iterable<Entry>;
  /** Durable when it returns; the new value is seen by `get` at once. */
  set(name: string, entry: Entry): Promise<void>;
  delete(name: string): Promise<void>;
}

/**
 * Opens (or makes, 0700) a directory of records. A file that does not parse is logged and left where it
 * is, as if it were not there: nothing is allowed by a record that cannot be read.
 *
 * @param schema of one file's content
 */
export async function openRecordDirectory<Schema extends z.ZodType>(
  directory: string,
  schema: Schema,
  log: Log,
): Promise<RecordDirectory<z.output<Schema>>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const entries = new Map<string, z.output<Schema>>();
  for (const file of await readdir(directory)) {
    if (!file.endsWith('.json')) continue;
    try {
      const content: unknown = JSON.parse(await readFile(path.join(directory, file), 'utf8'));
      entries.set(file.slice(0, -'.json'.length), schema.parse(content));
    } catch (error) {
      log.error({ err: error, file: path.join(directory, file) }, 'a stored record cannot be read and is ignored');
    }
  }
  // Writes of one directory go one after the other, so that the last call wins on disk as in memory.
  let last: Promise<void> = Promise.resolve();
  const inOrder = (write: () => Promise<void>): Promise<void> => {
    const turn = last.then(write);
    last = turn.catch((error: unknown) => log.error({ err: error, directory }, 'a record could not be stored'));
    return turn;
  };
  const fileOf = (name: string): string => path.join(directory, `${name}.json`);
  return {
    get: (name) => entries.get(name),
    values: () => entries.values(),
    set(name, entry) {
      entries.set(name, entry);
      return inOrder(() => writeDurableFile(fileOf(name), JSON.stringify(entry)));
    },
    delete(name) {
      entries.delete(name);
      return inOrder(() => removeDurableFile(fileOf(name)));
    },
  };
}
