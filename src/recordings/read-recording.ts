import { open } from 'node:fs/promises';
import type { TerminalSize } from '#contract/common.ts';
import { chunkKinds } from '#contract/recording.ts';
import type { RecordingHeader } from '#contract/recording-head.ts';
import { decodeExit, decodeOutput, decodeResize, type OutputTiming } from '#contract/recording-plaintext.ts';
import type { Exit } from '#contract/warden.ts';
import { readChunks, readHeader, type StoredChunk } from '#recordings/chunks.ts';
import { type ChunkOpener, createChunkOpener } from '#seal/chunk.ts';

/** What a recording tells, in order. `offset` counts the terminal's output bytes from its start. */
export type RecordingEvent =
  | {
      readonly kind: 'output';
      readonly offset: number;
      readonly bytes: Uint8Array;
      /** When the bytes came (milliseconds since the Unix epoch); they add up to `bytes`. */
      readonly timings: readonly OutputTiming[];
    }
  | { readonly kind: 'resize'; readonly offset: number; readonly timeMs: number; readonly size: TerminalSize }
  | { readonly kind: 'exit'; readonly offset: number; readonly timeMs: number; readonly exit: Exit };

export interface ReadRecordingOptions {
  /** Raw X25519 private key of the recording. */
  readonly privateKey: Uint8Array;
  /** First output byte wanted; 0 when absent. Resizes before it are given too: they say how large the screen is. */
  readonly from?: number;
  /** Output byte to stop before; resizes and the exit at or after it are not given. */
  readonly to?: number;
}

/** The recording cannot be read: it is no recording, the key is another's, or it was changed at `position`. */
export class RecordingUnreadable extends Error {
  override readonly name = 'RecordingUnreadable';
  /** Byte position in the file. */
  readonly position: number;
  constructor(message: string, position: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.position = position;
  }
}

/** Reads the header alone; needs no key. Throws RecordingUnreadable when there is none. */
export async function readRecordingHeader(file: string): Promise<RecordingHeader> {
  await using handle = await open(file, 'r');
  const start = await readHeader(handle);
  if (!start) throw new RecordingUnreadable('The file does not begin with the header of a recording', 0);
  return start.header;
}

/**
 * The events of a recording, which may still grow: what is whole when it is reached is read, a chunk that is being written
 * is left out. Each chunk is authenticated when it is opened; the order of chunks is `verifyRecording`'s
 * to check, though a gap in the output stops this too. Throws RecordingUnreadable.
 */
export async function* readRecording(
  file: string,
  options: ReadRecordingOptions,
): AsyncGenerator<RecordingEvent, void> {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = options;
  await using handle = await open(file, 'r');
  const start = await readHeader(handle);
  if (!start) throw new RecordingUnreadable('The file does not begin with the header of a recording', 0);
  const opener = createChunkOpener(options.privateKey);
  if (!opener.publicKey.equals(start.header.publicKey)) {
    throw new RecordingUnreadable('The key is not the key of this recording', 0);
  }
  let offset = 0;
  const chunks = readChunks(handle);
  for (;;) {
    const next = await chunks.next();
    if (next.done) {
      if (next.value.kind !== 'not-a-chunk') return;
      throw new RecordingUnreadable('The recording is damaged', next.value.position);
    }
    const chunk = next.value;
    if (chunk.head.offset !== offset) throw new RecordingUnreadable('Output is missing', chunk.position);
    offset += chunk.head.outputBytes;
    if (chunk.head.offset >= to) return;
    if (chunk.head.kind === chunkKinds.output && offset <= from) continue;
    const event = eventOf(chunk, openChunk(opener, chunk));
    if (!event) throw new RecordingUnreadable('A chunk contradicts itself', chunk.position);
    yield event.kind === 'output' ? clip(event, from, to) : event;
  }
}

function openChunk(opener: ChunkOpener, chunk: StoredChunk): Buffer {
  try {
    return opener(chunk.headBytes, chunk.head.ephemeralKey, chunk.ciphertext, chunk.tag);
  } catch (error) {
    throw new RecordingUnreadable('A chunk was changed after it was sealed', chunk.position, error);
  }
}

function eventOf({ head }: StoredChunk, plaintext: Buffer): RecordingEvent | undefined {
  const { offset, timeMs } = head;
  if (head.kind === chunkKinds.output) {
    const decoded = decodeOutput(timeMs, plaintext);
    if (!decoded || decoded.output.length !== head.outputBytes) return undefined;
    return { kind: 'output', offset, bytes: decoded.output, timings: decoded.timings };
  }
  if (head.kind === chunkKinds.resize) {
    const size = decodeResize(plaintext);
    return size && { kind: 'resize', offset, timeMs, size };
  }
  const exit = decodeExit(plaintext);
  return exit && { kind: 'exit', offset, timeMs, exit };
}

type OutputEvent = Extract<RecordingEvent, { kind: 'output' }>;

/** Cuts an output event to the wanted range, its timings with it. */
function clip(event: OutputEvent, from: number, to: number): OutputEvent {
  const first = Math.max(from - event.offset, 0);
  const last = Math.min(to - event.offset, event.bytes.length);
  if (first === 0 && last === event.bytes.length) return event;
  const timings: OutputTiming[] = [];
  let at = 0;
  for (const timing of event.timings) {
    const bytes = Math.min(at + timing.bytes, last) - Math.max(at, first);
    if (bytes > 0) timings.push({ timeMs: timing.timeMs, bytes });
    at += timing.bytes;
  }
  return { kind: 'output', offset: event.offset + first, bytes: event.bytes.subarray(first, last), timings };
}
