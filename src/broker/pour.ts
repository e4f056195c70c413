import type { OnReadOpts, Socket } from 'node:net';

/** What one read takes at most. Every open tunnel holds a buffer of this size. */
const bufferBytes = 65_536;

/** One direction of a tunnel, from a socket that is made with `onread`. */
export interface Pour {
  readonly onread: OnReadOpts;
  /** Lets the bytes of `from`, which was made with `onread`, into `to`, and its end too. */
  start(from: Socket, to: Socket): void;
}

/**
 * Reads into one buffer, again when the other side has taken what is in it. A stream's own reads make
 * garbage as fast as bytes arrive: 64 KiB each, of which 100 MB wait for a collection.
 */
export function createPour(): Pour {
  const early: Buffer[] = [];
  let source: Socket | undefined;
  let sink: Socket | undefined;
  return {
    onread: {
      buffer: Buffer.allocUnsafeSlow(bufferBytes),
      callback(bytes, buffer) {
        const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
        if (!sink) {
          early.push(Buffer.from(chunk));
          return true;
        }
        let taken = false;
        let waits = false;
        sink.write(chunk, () => {
          taken = true;
          if (waits) source?.resume();
        });
        // Nothing is left of it where the kernel took all at once; else the buffer is the writer's until then.
        waits = !taken && sink.writableLength > 0;
        return !waits;
      },
    },
    start(from, to) {
      source = from;
      sink = to;
      for (const chunk of early) to.write(chunk);
      from.on('end', () => to.end());
      from.resume();
    },
  };
}
