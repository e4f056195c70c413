import type { OnReadOpts, Socket } from 'node:net';

/** What one read takes at most. Every open tunnel holds a buffer of this size. */
const bufferBytes = 131_072;

/** One direction of a tunnel, from a socket that is made with `onread`. */
export interface Pour {
  readonly onread: OnReadOpts;
  /** Lets the bytes of `from`, which was made with `onread`, into `to` from now on, and its end too. */
  start(from: Socket, to: Socket): void;
}

/**
 * Reads into one buffer, again when the other side has taken what is in it. A stream's own reads make
 * garbage as fast as bytes arrive: 64 KiB each, of which 100 MB wait for a collection.
 *
 * @param early takes what comes before the start
 */
export function createPour(early: (chunk: Buffer) => void): Pour {
  let source: Socket | undefined;
  let sink: Socket | undefined;
  return {
    onread: {
      buffer: Buffer.allocUnsafeSlow(bufferBytes),
      callback(bytes, buffer) {
        const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
        if (!sink) {
          early(Buffer.from(chunk));
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
      if (from.readableEnded) to.end();
      else from.once('end', () => to.end());
      from.resume();
    },
  };
}
