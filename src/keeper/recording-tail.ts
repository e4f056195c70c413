import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import {
  chunkHashBytes,
  chunkHeadBytes,
  chunkKinds,
  chunkTagBytes,
  recordingHeaderBytes,
} from '#contract/recording.ts';
import { decodeChunkHead, decodeRecordingHeader, type RecordingHeader } from '#contract/recording-head.ts';

/** Where a recording stands, read without any key. */
export interface RecordingTail {
  readonly header: RecordingHeader;
  /** Bytes of the file up to the end of the last whole chunk. */
  readonly position: number;
  readonly previousHash: Buffer;
  readonly nextSequence: number;
  /** Absolute offset after the last sealed output byte. */
  readonly offset: number;
  /** Resize and exit chunks so far. */
  readonly marks: number;
}

const windowBytes = 1_048_576;

/**
 * Walks the heads of a recording to its last whole chunk; what follows is a chunk that `kill -9` cut.
 * Throws when the file has no header, or something other than a cut chunk follows the last whole one:
 * evidence is never cut off to make room.
 */
export function readRecordingTail(fd: number, fileBytes: number): RecordingTail {
  const window = Buffer.alloc(Math.min(windowBytes, Math.max(fileBytes, 1)));
  let windowAt = 0;
  let windowLength = 0;
  const bytesAt = (position: number, length: number): Buffer => {
    if (position < windowAt || position + length > windowAt + windowLength) {
      windowAt = position;
      windowLength = readSync(fd, window, 0, window.length, position);
    }
    return window.subarray(position - windowAt, Math.min(position - windowAt + length, windowLength));
  };
  const headerBytes = Buffer.from(bytesAt(0, recordingHeaderBytes));
  const header = decodeRecordingHeader(headerBytes);
  if (!header) throw new Error('the recording has no header');
  let position: number = recordingHeaderBytes;
  let previousHash = createHash('sha256').update(headerBytes).digest();
  let nextSequence = 0;
  let offset = 0;
  let marks = 0;
  while (fileBytes - position >= chunkHeadBytes) {
    const head = decodeChunkHead(bytesAt(position, chunkHeadBytes));
    if (!head || head.sequence !== nextSequence) throw new Error(`the recording is damaged at byte ${position}`);
    const next = position + chunkHeadBytes + head.plaintextBytes + chunkTagBytes + chunkHashBytes;
    if (next > fileBytes) break;
    previousHash = Buffer.from(bytesAt(next - chunkHashBytes, chunkHashBytes));
    position = next;
    nextSequence += 1;
    offset = head.offset + head.outputBytes;
    if (head.kind !== chunkKinds.output) marks += 1;
  }
  return { header, position, previousHash, nextSequence, offset, marks };
}
