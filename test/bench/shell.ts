import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { terminalSubprotocol } from '#contract/api.ts';
import { decodeServerFrame, encodeBrowserFrame } from '#contract/terminal-codec.ts';

/** A shell at the other end of a WebSocket. */
export interface Shell extends AsyncDisposable {
  type(text: string): void;
  /** Resolves when the next bytes have come. */
  next(): Promise<void>;
  /** Resolves when `marker` was shown, with the number of bytes that came since the call. */
  until(marker: string): Promise<number>;
}

interface Wire {
  readonly socket: WebSocket;
  encode(text: string): string | Uint8Array;
  /** The terminal's bytes in a message; empty when it carries none. */
  decode(message: Buffer): Uint8Array;
  close(): void;
}

function shellOver({ socket, encode, decode, close }: Wire): Shell {
  let listener: (bytes: Uint8Array) => void = () => undefined;
  let failed: (error: Error) => void = () => undefined;
  socket.on('message', (message: Buffer) => {
    const bytes = decode(message);
    if (bytes.length > 0) listener(bytes);
  });
  socket.on('error', (error) => failed(error));
  socket.on('close', () => failed(new Error('the terminal was closed')));
  const listen = <T>(begin: (resolve: (value: T) => void) => (bytes: Uint8Array) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      listener = begin(resolve);
      failed = reject;
    });
  return {
    type: (text) => socket.send(encode(text)),
    next: () => listen<void>((resolve) => () => resolve()),
    until: (marker) =>
      listen<number>((resolve) => {
        let bytes = 0;
        let tail = Buffer.alloc(0);
        return (chunk) => {
          bytes += chunk.length;
          tail = Buffer.concat([tail, chunk.subarray(-200)]).subarray(-200);
          if (tail.includes(marker)) resolve(bytes);
        };
      }),
    async [Symbol.asyncDispose]() {
      failed = () => undefined;
      socket.terminate();
      close();
    },
  };
}

/** A shell of the host behind node-pty and ws, in a process of its own. */
export async function openBareShell(): Promise<Shell> {
  const child = fork(join(import.meta.dirname, 'bare-terminal-server.ts'), { execArgv: [] });
  const [port] = (await once(child, 'message')) as [number];
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(socket, 'open');
  return shellOver({ socket, encode: (text) => text, decode: (message) => message, close: () => child.disconnect() });
}

/** A terminal of Casemate, as a signed-in page opens it: every output frame is acknowledged. */
export async function openCasemateShell(origin: string, cookie: string, terminalId: string): Promise<Shell> {
  const url = `${origin.replace('http', 'ws')}/api/v1/terminals/${terminalId}/socket`;
  const socket = new WebSocket(url, terminalSubprotocol, { headers: { cookie, origin }, perMessageDeflate: false });
  await once(socket, 'open');
  const text = new TextEncoder();
  return shellOver({
    socket,
    encode: (typed) => encodeBrowserFrame({ kind: 'key', bytes: text.encode(typed) }),
    decode(message) {
      const frame = decodeServerFrame(new Uint8Array(message.buffer, message.byteOffset, message.byteLength));
      if (frame.kind !== 'output') return new Uint8Array();
      socket.send(encodeBrowserFrame({ kind: 'acknowledge', offset: frame.offset + frame.bytes.length }));
      return frame.bytes;
    },
    close: () => undefined,
  });
}
