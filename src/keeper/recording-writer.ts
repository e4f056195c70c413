import { createHash } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  unlinkSync,
  writeSync,
  writev,
} from 'node:fs';
import { promisify } from 'node:util';
import { recordingHeaderBytes } from '#contract/recording.ts';
import { type ChunkHead, encodeRecordingHeader, type RecordingHeader } from '#contract/recording-head.ts';
import type { Gate } from '#keeper/gate.ts';
import { readRecordingTail, type RecordingTail } from '#keeper/recording-tail.ts';
import { createChunkSealer } from '#seal/chunk.ts';

const writeVector = promisify(writev);
const syncData = promisify(fdatasync);
/** Readable by the server's group, which the directory's set-gid bit gives to the file. */
const fileMode = 0o640;
/** Written bytes reach the disk at most this much later. */
const syncEveryMs = 100;

export interface PlainChunk extends Pick<ChunkHead, 'kind' | 'offset' | 'outputBytes' | 'timeMs'> {
  readonly plaintext: Uint8Array;
}

export interface RecordingWriter {
  /** Absolute offset after the last output byte that is in the file. */
  readonly offset: number;
  /** Resize and exit chunks in the file. */
  readonly marks: number;
  /** Seals chunks, which {@link flush} then writes. Not while a batch is unwritten. */
  prepare(chunks: readonly PlainChunk[]): void;
  readonly unwritten: boolean;
  /** Writes the prepared batch at its place; after a failure, calling it again writes the same bytes there. */
  flush(): Promise<void>;
  /** Syncs what is written and closes the file. */
  close(): Promise<void>;
}

export interface RecordingFile {
  readonly file: string;
  /** Bounds the writes and syncs under way, so that a slow disk leaves threads for the rest. */
  readonly disk: Gate;
  /** Called when fdatasync fails: some of the recording may not survive a power cut. */
  readonly onSyncFailure: (error: unknown) => void;
}

interface Batch {
  readonly parts: Buffer[];
  readonly bytes: number;
  readonly after: Pick<RecordingTail, 'previousHash' | 'nextSequence' | 'offset' | 'marks'>;
}

/** Makes a recording. Throws EEXIST when there is one; one without its header is not left behind. */
export function createRecording(where: RecordingFile, header: RecordingHeader): RecordingWriter {
  const fd = openSync(where.file, 'wx+', fileMode);
  try {
    fchmodSync(fd, fileMode);
    const bytes = encodeRecordingHeader(header);
    if (writeSync(fd, bytes, 0, bytes.length, 0) !== bytes.length) throw new Error('the header was not written whole');
    return writer(fd, where, readRecordingTail(fd, bytes.length));
  } catch (error) {
    closeSync(fd);
    unlinkSync(where.file);
    throw error;
  }
}

/** Takes a recording up after its last whole chunk; a chunk that a crash cut is removed. */
export function resumeRecording(where: RecordingFile): RecordingWriter & { readonly cutBytes: number } {
  const fd = openSync(where.file, 'r+');
  try {
    const fileBytes = fstatSync(fd).size;
    const tail = readRecordingTail(fd, fileBytes);
    if (fileBytes > tail.position) ftruncateSync(fd, tail.position);
    return Object.assign(writer(fd, where, tail), { cutBytes: fileBytes - tail.position });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function writer(fd: number, where: RecordingFile, tail: RecordingTail): RecordingWriter {
  const seal = createChunkSealer(tail.header.publicKey);
  let { position } = tail;
  let state: Batch['after'] = tail;
  let batch: Batch | undefined;
  let dirty = position === recordingHeaderBytes;
  let timer: NodeJS.Timeout | undefined;
  let syncing: Promise<void> = Promise.resolve();

  const sync = async (): Promise<void> => {
    dirty = false;
    try {
      await where.disk.run(() => syncData(fd));
    } catch (error) {
      where.onSyncFailure(error);
    }
  };
  const scheduleSync = (): void => {
    dirty = true;
    timer ??= setTimeout(() => {
      syncing = sync().then(() => {
        timer = undefined;
        if (dirty) scheduleSync();
      });
    }, syncEveryMs);
  };
  if (dirty) scheduleSync();

  const self = {
    get offset() {
      return state.offset;
    },
    get marks() {
      return state.marks;
    },
    get unwritten() {
      return batch !== undefined;
    },
    prepare(chunks: readonly PlainChunk[]) {
      if (batch) throw new Error('a batch is still unwritten');
      let { previousHash, nextSequence, offset, marks } = state;
      const parts: Buffer[] = [];
      for (const { plaintext, ...fields } of chunks) {
        const { head, ciphertext, tag } = seal({ ...fields, sequence: nextSequence }, plaintext);
        previousHash = createHash('sha256').update(previousHash).update(head).update(ciphertext).update(tag).digest();
        parts.push(head, ciphertext, tag, previousHash);
        nextSequence += 1;
        offset = fields.offset + fields.outputBytes;
        if (fields.outputBytes === 0) marks += 1;
      }
      const bytes = parts.reduce((total, part) => total + part.length, 0);
      batch = { parts, bytes, after: { previousHash, nextSequence, offset, marks } };
    },
    async flush() {
      const writing = batch;
      if (!writing) return;
      const written = await where.disk.run(() => writeVector(fd, writing.parts, position));
      // A short write is a disk that fills: the whole batch is written again, in the same place.
      if (written.bytesWritten !== writing.bytes) throw new ShortWrite();
      position += writing.bytes;
      state = writing.after;
      batch = undefined;
      scheduleSync();
    },
    async close() {
      clearTimeout(timer);
      await syncing;
      clearTimeout(timer);
      if (dirty) await sync();
      closeSync(fd);
    },
  };
  return self;
}

/** Fewer bytes were written than asked for, without an error. */
class ShortWrite extends Error {
  readonly code = 'ENOSPC';
  constructor() {
    super('the recording could not be written whole');
  }
}
