import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { chunkHashBytes, chunkHeadBytes, chunkTagBytes, recordingHeaderBytes } from '#contract/recording.ts';
import {
  type ChunkHead,
  decodeChunkHead,
  decodeRecordingHeader,
  type RecordingHeader,
} from '#contract/recording-head.ts';

/** One whole chunk as it lies in the file. */
export interface StoredChunk {
  /** Byte position of the chunk in the file. */
  readonly position: number;
  readonly head: ChunkHead;
  readonly headBytes: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
  readonly hash: Buffer;
}

/** Why the chunks end: the file ends, it ends inside a chunk, or what follows is no chunk. */
export type ChunksEnd =
  | { readonly kind: 'end'; readonly position: number }
  | { readonly kind: 'cut'; readonly position: number; readonly bytes: number }
  | { readonly kind: 'not-a-chunk'; readonly position: number };

const windowBytes = 1_048_576;

/** Reads a file forwards with few system calls. */
export function createWindow(file: FileHandle): (position: number, length: number) => Promise<Buffer> {
  let window = Buffer.alloc(0);
  let from = 0;
  return async (position, length) => {
    if (position < from || position + length > from + window.length) {
      const fresh = Buffer.alloc(Math.max(length, windowBytes));
      const { bytesRead } = await file.read(fresh, 0, fresh.length, position);
      window = fresh.subarray(0, bytesRead);
      from = position;
    }
    return window.subarray(position - from, Math.min(position - from + length, window.length));
  };
}

/** The header of a recording, with its bytes; undefined when the file has none. */
export async function readHeader(
  file: FileHandle,
): Promise<{ readonly header: RecordingHeader; readonly bytes: Buffer } | undefined> {
  const bytes = Buffer.alloc(recordingHeaderBytes);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  const header = decodeRecordingHeader(bytes.subarray(0, bytesRead));
  return header && { header, bytes };
}

/** The chunks of a recording in the order of the file; the return value says why they end. Checks no hash. */
export async function* readChunks(
  file: FileHandle,
  from: number = recordingHeaderBytes,
): AsyncGenerator<StoredChunk, ChunksEnd> {
  const at = createWindow(file);
  let position: number = from;
  for (;;) {
    const headBytes = await at(position, chunkHeadBytes);
    if (headBytes.length === 0) return { kind: 'end', position };
    if (headBytes.length < chunkHeadBytes) return { kind: 'cut', position, bytes: headBytes.length };
    const head = decodeChunkHead(headBytes);
    if (!head) return { kind: 'not-a-chunk', position };
    const length = chunkHeadBytes + head.plaintextBytes + chunkTagBytes + chunkHashBytes;
    const bytes = await at(position, length);
    if (bytes.length < length) return { kind: 'cut', position, bytes: bytes.length };
    const tagAt = chunkHeadBytes + head.plaintextBytes;
    yield {
      position,
      head,
      headBytes: bytes.subarray(0, chunkHeadBytes),
      ciphertext: bytes.subarray(chunkHeadBytes, tagAt),
      tag: bytes.subarray(tagAt, tagAt + chunkTagBytes),
      hash: bytes.subarray(tagAt + chunkTagBytes, length),
    };
    position += length;
  }
}

/** The hash that a chunk must carry after `previous`. */
export function chainHash(previous: Uint8Array, chunk: StoredChunk): Buffer {
  return createHash('sha256')
    .update(previous)
    .update(chunk.headBytes)
    .update(chunk.ciphertext)
    .update(chunk.tag)
    .digest();
}
