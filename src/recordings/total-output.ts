import { open } from 'node:fs/promises';
import { readChunks, readHeader } from '#recordings/chunks.ts';
import { RecordingUnreadable } from '#recordings/read-recording.ts';

/** How many bytes of output a recording holds at the moment; needs no key. Throws RecordingUnreadable. */
export async function totalOutput(file: string): Promise<number> {
  await using handle = await open(file, 'r');
  if (!(await readHeader(handle))) {
    throw new RecordingUnreadable('The file does not begin with the header of a recording', 0);
  }
  let total = 0;
  for await (const { head } of readChunks(handle)) total = Math.max(total, head.offset + head.outputBytes);
  return total;
}
