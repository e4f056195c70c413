import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { chunkKinds } from '#contract/recording.ts';
import type { RecordingHeader } from '#contract/recording-head.ts';
import { chainHash, type ChunksEnd, readChunks, readHeader, type StoredChunk } from '#recordings/chunks.ts';

/**
 * `no-header`: not a recording. `not-a-chunk`: bytes that no keeper wrote. `wrong-sequence`: a chunk is
 * missing, doubled or in another's place. `wrong-offset`: output is missing or doubled. `wrong-hash`: the
 * chunk was changed, or what stood before it. `after-exit`: something follows the end. `cut`: the file
 * ends inside a chunk (a keeper that was killed while it wrote; its next start removes that).
 * `wrong-head`: the chain ends elsewhere than the anchor that was given.
 */
export type RecordingFault =
  | 'no-header'
  | 'not-a-chunk'
  | 'wrong-sequence'
  | 'wrong-offset'
  | 'wrong-hash'
  | 'after-exit'
  | 'cut'
  | 'wrong-head';

export interface BrokenPlace {
  readonly fault: RecordingFault;
  /** Byte position in the file of the first chunk that is not as it was written. */
  readonly position: number;
  /** The sequence that belongs there. */
  readonly sequence: number;
  /** One sentence for a person. */
  readonly message: string;
}

/** Where the chain stood at a time that is known from elsewhere, such as the audit. */
export interface RecordingAnchor {
  readonly chunks: number;
  /** Hash of the last of these chunks, hex; of the header when `chunks` is 0. */
  readonly hash: string;
}

export interface RecordingVerdict {
  readonly header: RecordingHeader | undefined;
  /** The first broken place; undefined when every byte is as it was written. */
  readonly broken: BrokenPlace | undefined;
  /** Whole chunks before the broken place, and the hash of the last. */
  readonly head: RecordingAnchor;
  /** Bytes of output in these chunks. */
  readonly outputBytes: number;
  /** True when the exit is the last chunk. Without it the terminal may still run, or whole chunks were removed from the end: compare `head` with an anchor. */
  readonly finished: boolean;
}

/**
 * Checks a recording without any key: header, sequence, offsets and the hash chain over the
 * ciphertext. With `anchor` the chain must have passed that point. Rejects only when the file cannot be read.
 */
export async function verifyRecording(file: string, anchor?: RecordingAnchor): Promise<RecordingVerdict> {
  await using handle = await open(file, 'r');
  const start = await readHeader(handle);
  if (!start) {
    const message = 'The file does not begin with the header of a recording.';
    const broken: BrokenPlace = { fault: 'no-header', position: 0, sequence: 0, message };
    return { header: undefined, broken, head: { chunks: 0, hash: '' }, outputBytes: 0, finished: false };
  }
  let hash: Buffer = createHash('sha256').update(start.bytes).digest();
  let chunks = 0;
  let outputBytes = 0;
  let finished = false;
  let anchored = anchor === undefined || (anchor.chunks === 0 && anchor.hash === hash.toString('hex'));
  const verdict = (broken?: BrokenPlace): RecordingVerdict => ({
    header: start.header,
    broken,
    head: { chunks, hash: hash.toString('hex') },
    outputBytes,
    finished,
  });

  const stored = readChunks(handle);
  for (;;) {
    const next = await stored.next();
    if (next.done) {
      const broken = brokenEnd(next.value, chunks);
      if (broken || anchored) return verdict(broken);
      const message = `The chain does not pass the known point after ${anchor?.chunks ?? 0} chunks: chunks are missing or were replaced.`;
      return verdict({ fault: 'wrong-head', position: next.value.position, sequence: chunks, message });
    }
    const chunk = next.value;
    const expected = chainHash(hash, chunk);
    const fault = faultOf(chunk, {
      sequence: chunks,
      offset: outputBytes,
      finished,
      hashHolds: expected.equals(chunk.hash),
    });
    if (fault) return verdict({ ...fault, position: chunk.position, sequence: chunks });
    hash = expected;
    chunks += 1;
    outputBytes += chunk.head.outputBytes;
    finished = chunk.head.kind === chunkKinds.exit;
    if (anchor && chunks === anchor.chunks) anchored = anchor.hash === hash.toString('hex');
  }
}

function brokenEnd(end: ChunksEnd, sequence: number): BrokenPlace | undefined {
  const { position } = end;
  if (end.kind === 'cut') {
    const message = `The file ends inside chunk ${sequence}: ${end.bytes} bytes of it are there.`;
    return { fault: 'cut', position, sequence, message };
  }
  if (end.kind === 'not-a-chunk') {
    return {
      fault: 'not-a-chunk',
      position,
      sequence,
      message: `Chunk ${sequence} should begin here, but no chunk does.`,
    };
  }
  return undefined;
}

function faultOf(
  { head }: StoredChunk,
  expected: { sequence: number; offset: number; finished: boolean; hashHolds: boolean },
): Pick<BrokenPlace, 'fault' | 'message'> | undefined {
  const { sequence, offset } = expected;
  if (head.sequence !== sequence) {
    return {
      fault: 'wrong-sequence',
      message: `Chunk ${sequence} should stand here, but it is chunk ${head.sequence}.`,
    };
  }
  if (!expected.hashHolds) {
    return { fault: 'wrong-hash', message: `Chunk ${sequence}, or what stood before it, was changed.` };
  }
  if (head.offset !== offset) {
    const message = `Chunk ${sequence} stands at output byte ${head.offset}, but ${offset} bytes come before it.`;
    return { fault: 'wrong-offset', message };
  }
  if (expected.finished) return { fault: 'after-exit', message: `Chunk ${sequence} follows the end of the recording.` };
  return undefined;
}
