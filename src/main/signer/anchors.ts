import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Checkpoint, checkpointSchema } from '#contract/checkpoint.ts';

const anchorName = /^anchors-\d{4}-\d{2}\.jsonl$/;
const knownSchema = z.strictObject({
  /** The newest anchor file, and how long it was. */
  file: z.string().regex(anchorName),
  bytes: z.number().int().min(0),
  newest: z.array(checkpointSchema),
});

/**
 * Every checkpoint that was ever signed, one a line, in a file for each month. Only root writes them,
 * and only at their end.
 */
export interface Anchors extends Disposable {
  /** The last one of each chain. */
  readonly newest: ReadonlyMap<string, Checkpoint>;
  /** On the disk when it returns. Throws where the disk takes no more; then nothing was added. */
  add(checkpoint: Checkpoint): void;
}

export const anchorFiles = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => anchorName.test(name))
    .toSorted();

/** The checkpoints of one anchor file. Throws for a line, but the last, that is none. */
export function parseAnchors(content: string): Checkpoint[] {
  const whole = content.slice(0, content.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => checkpointSchema.parse(JSON.parse(line)));
}

/** Opens the files in `directory`. Throws when they are shorter than they were: whoever did that must be root. */
export function openAnchors(directory: string): Anchors {
  const knownFile = join(directory, 'known.json');
  const newest = new Map<string, Checkpoint>();
  let known: z.infer<typeof knownSchema> | undefined;
  try {
    known = knownSchema.parse(JSON.parse(readFileSync(knownFile, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const files = anchorFiles(directory);
  if (known && (!files.includes(known.file) || statSync(join(directory, known.file)).size < known.bytes)) {
    throw new Error(`${known.file} is missing or was cut; nothing is signed until it is back, or known.json removed`);
  }
  const take = (checkpoint: Checkpoint): void => {
    if ((newest.get(checkpoint.chain)?.sequence ?? 0) < checkpoint.sequence) newest.set(checkpoint.chain, checkpoint);
  };
  for (const checkpoint of known?.newest ?? []) take(checkpoint);
  for (const name of files.filter((file) => !known || file >= known.file)) {
    const content = readFileSync(join(directory, name)).subarray(known?.file === name ? known.bytes : 0);
    for (const checkpoint of parseAnchors(content.toString('utf8'))) take(checkpoint);
  }

  let open: { readonly name: string; readonly descriptor: number; bytes: number } | undefined;
  const remember = (): void => {
    if (!open) return;
    const value = { file: open.name, bytes: open.bytes, newest: [...newest.values()] };
    writeFileSync(`${knownFile}.new`, JSON.stringify(value), { mode: 0o600, flush: true });
    renameSync(`${knownFile}.new`, knownFile);
  };
  const close = (): void => {
    remember();
    if (open) closeSync(open.descriptor);
    open = undefined;
  };
  const fileFor = (time: string): NonNullable<typeof open> => {
    const name = `anchors-${time.slice(0, 7)}.jsonl`;
    // A clock that went back must not reopen a file that is done.
    if (open && open.name >= name) return open;
    close();
    const newestName = [...files, name].toSorted().at(-1) as string;
    const file = join(directory, newestName);
    const descriptor = openSync(file, 'a', 0o600);
    const content = readFileSync(file);
    const bytes = content.lastIndexOf(0x0a) + 1;
    // A line that a crash tore was never answered for.
    if (content.length > bytes) ftruncateSync(descriptor, bytes);
    const parent = openSync(directory, 'r');
    fsyncSync(parent);
    closeSync(parent);
    open = { name: newestName, descriptor, bytes };
    return open;
  };

  return {
    newest,
    add(checkpoint) {
      const file = fileFor(checkpoint.time);
      const line = Buffer.from(`${JSON.stringify(checkpoint)}\n`);
      try {
        if (writeSync(file.descriptor, line) !== line.length) throw new Error('the anchor was not written whole');
        fdatasyncSync(file.descriptor);
      } catch (error) {
        ftruncateSync(file.descriptor, file.bytes);
        throw error;
      }
      file.bytes += line.length;
      newest.set(checkpoint.chain, checkpoint);
    },
    [Symbol.dispose]: close,
  };
}
