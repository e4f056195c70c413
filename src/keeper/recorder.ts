import type { Clock } from '#base/clock.ts';
import { chunkKinds, maximumChunkOutputBytes } from '#contract/recording.ts';
import { encodeExit, encodeOutput, encodeResize, type OutputTiming } from '#contract/recording-plaintext.ts';
import type { PlainChunk, RecordingWriter } from '#keeper/recording-writer.ts';
import type { Spool } from '#keeper/spool.ts';
import type { Mark } from '#keeper/terminal-state.ts';

/** Output waits this long for company before it is sealed. */
const coalesceMs = 50;
const chunksOfOneBatch = 4;
const retryMs = 500;
/** More timing entries than this are not kept of unsealed output; the last one then grows. */
const maximumTimings = 16_384;

export interface RecorderOptions {
  readonly spool: Spool;
  readonly writer: RecordingWriter;
  readonly clock: Clock;
  /** In order; those that the recording has already are skipped. */
  readonly marks: readonly Mark[];
  /** More is sealed. */
  readonly onSealed: () => void;
  /** The recording cannot be written; it is tried again until `onRecovered`. */
  readonly onFailure: (error: unknown) => void;
  readonly onRecovered: () => void;
}

/** Seals what arrives in the spool into the recording, with the resizes and the exit in their places. */
export interface Recorder {
  /** Absolute offset up to which output is sealed. */
  readonly sealed: number;
  /** True when the recording has everything. */
  readonly complete: boolean;
  arrived(bytes: number): void;
  mark(mark: Mark): void;
  /** Seals all that is there without waiting for company; resolves when it is written. */
  settle(): Promise<void>;
  /** One last try to seal what is there, then closes the file. */
  close(): Promise<void>;
}

export function createRecorder(options: RecorderOptions): Recorder {
  const { spool, writer, clock } = options;
  const marks: Mark[] = options.marks.filter((mark) => mark.number >= writer.marks);
  const timings: OutputTiming[] = [];
  let urgent = false;
  let failed = false;
  let closing = false;
  let timer: NodeJS.Timeout | undefined;
  let retry: { timer: NodeJS.Timeout; now: () => void } | undefined;
  let running: Promise<void> | undefined;

  /** Takes the timing entries of the next `bytes` output bytes. */
  const takeTimings = (bytes: number): OutputTiming[] => {
    const taken: OutputTiming[] = [];
    for (let left = bytes; left > 0; ) {
      const first = timings[0];
      if (!first) throw new Error('output without a time');
      const part = Math.min(first.bytes, left);
      taken.push({ timeMs: first.timeMs, bytes: part });
      left -= part;
      if (part === first.bytes) timings.shift();
      else first.bytes -= part;
    }
    return taken;
  };
  const plan = (): PlainChunk[] => {
    const chunks: PlainChunk[] = [];
    let offset = writer.offset;
    while (chunks.length < chunksOfOneBatch) {
      const mark = marks[0];
      const bytes = Math.min((mark ? mark.offset : spool.end) - offset, maximumChunkOutputBytes);
      if (bytes > 0) {
        if (bytes < maximumChunkOutputBytes && !mark && !urgent) break;
        const entries = takeTimings(bytes);
        const timeMs = entries[0]?.timeMs ?? clock.now();
        const plaintext = encodeOutput(timeMs, entries, spool.read(offset, bytes));
        chunks.push({ kind: chunkKinds.output, offset, outputBytes: bytes, timeMs, plaintext });
        offset += bytes;
      } else if (mark) {
        marks.shift();
        const [kind, plaintext] =
          'columns' in mark.what
            ? ([chunkKinds.resize, encodeResize(mark.what)] as const)
            : ([chunkKinds.exit, encodeExit(mark.what)] as const);
        chunks.push({ kind, offset, outputBytes: 0, timeMs: mark.timeMs, plaintext });
      } else break;
    }
    return chunks;
  };
  /** False when the recorder closes and the disk still refuses. */
  const write = async (): Promise<boolean> => {
    try {
      await writer.flush();
    } catch (error) {
      if (!failed) options.onFailure(error);
      failed = true;
      if (closing) return false;
      await new Promise<void>((resolve) => {
        retry = { timer: setTimeout(resolve, retryMs), now: resolve };
      });
      retry = undefined;
      return true;
    }
    if (failed) options.onRecovered();
    failed = false;
    options.onSealed();
    return true;
  };
  const work = async (): Promise<void> => {
    do {
      if (writer.unwritten) continue;
      const chunks = plan();
      if (chunks.length === 0) break;
      writer.prepare(chunks);
    } while (await write());
    urgent = false;
  };
  const complete = (): boolean => marks.length === 0 && !writer.unwritten && writer.offset === spool.end;
  const run = (): Promise<void> => {
    running ??= work().finally(() => {
      running = undefined;
      arm();
    });
    return running;
  };
  const arm = (): void => {
    if (closing || complete()) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      urgent = true;
      void run();
    }, coalesceMs);
  };

  const backlog = spool.end - writer.offset;
  if (backlog > 0) timings.push({ timeMs: clock.now(), bytes: backlog });
  arm();

  return {
    get sealed() {
      return writer.offset;
    },
    get complete() {
      return complete();
    },
    arrived(bytes) {
      const timeMs = clock.now();
      const last = timings.at(-1);
      if (last && (last.timeMs === timeMs || timings.length >= maximumTimings)) last.bytes += bytes;
      else timings.push({ timeMs, bytes });
      if (spool.end - writer.offset >= maximumChunkOutputBytes) void run();
      arm();
    },
    mark(mark) {
      marks.push(mark);
      arm();
    },
    async settle() {
      while (!complete() && !closing) {
        urgent = true;
        await run();
      }
    },
    async close() {
      closing = true;
      clearTimeout(timer);
      if (retry) clearTimeout(retry.timer);
      retry?.now();
      if (running) await running;
      urgent = true;
      await work();
      await writer.close();
    },
  };
}
