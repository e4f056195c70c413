import { once } from 'node:events';
import type { Socket } from 'node:net';
import { CasemateError } from '#contract/errors.ts';

export interface PortOptions {
  /** A connection to a port of a sandbox. It is destroyed in the end. */
  readonly socket: Socket;
  /** Bytes for the guest; their end is passed on. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Takes the guest's bytes; the guest waits while it does. */
  readonly output: (bytes: Buffer) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Carries bytes both ways until the guest has ended its side, or reset it. Throws `cancelled` when
 * `signal` aborts. The guest chooses when the socket fails, so no promise about it is left unheard.
 */
export async function joinPort({ socket, input, output, signal }: PortOptions): Promise<void> {
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  const abort = (): void => void socket.destroy();
  socket.on('error', abort);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  const up = async (): Promise<void> => {
    for await (const bytes of input) {
      if (socket.destroyed) return;
      if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), closed]);
    }
    socket.end();
  };
  up().catch(abort);
  try {
    for await (const bytes of socket) await output(bytes as Buffer);
  } catch (error) {
    if (signal.aborted) throw new CasemateError('cancelled', undefined, { cause: error });
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}
