import { once } from 'node:events';
import { WebSocket } from 'ws';
import { terminalSubprotocol } from '#contract/api.ts';
import type { BrowserFrame, ServerFrame } from '#contract/terminal.ts';
import { decodeServerFrame, encodeBrowserFrame } from '#contract/terminal-codec.ts';

/** A viewer that is no browser: it keeps every frame and acknowledges what it got, unless told not to. */
export interface TestViewer {
  readonly socket: WebSocket;
  readonly frames: ServerFrame[];
  /** Output so far, with its absolute beginning; a hole or repetition throws when it arrives. */
  output(): Buffer;
  /** Absolute offset after the last byte. */
  end(): number;
  send(frame: BrowserFrame): void;
  type(text: string): void;
  /** Resolves once `found` holds; rejects with what was shown after `ms`. */
  until(found: () => boolean, ms?: number): Promise<void>;
  close(): void;
}

export async function openViewer(
  origin: string,
  key: string,
  terminalId: string,
  options: { readonly offset?: number; readonly acknowledge?: boolean; readonly keep?: boolean } = {},
): Promise<TestViewer> {
  const { acknowledge = true } = options;
  const query = options.offset === undefined ? '' : `?offset=${options.offset}`;
  const url = `${origin.replace('http', 'ws')}/api/v1/terminals/${terminalId}/socket${query}`;
  const socket = new WebSocket(url, terminalSubprotocol, { headers: { 'x-api-key': key, origin } });
  const frames: ServerFrame[] = [];
  const parts: Uint8Array[] = [];
  let expected = options.offset;
  let failure: Error | undefined;
  let wake: (() => void)[] = [];
  socket.on('message', (data: Buffer) => {
    const frame = decodeServerFrame(new Uint8Array(data));
    if (frame.kind === 'start') expected = frame.offset;
    if (frame.kind === 'output') {
      if (expected !== undefined && frame.offset !== expected) {
        failure = new Error(`output at ${frame.offset}, expected at ${expected}`);
      }
      expected = frame.offset + frame.bytes.length;
      parts.push(frame.bytes);
      if (acknowledge) socket.send(encodeBrowserFrame({ kind: 'acknowledge', offset: expected }));
    } else frames.push(frame);
    for (const resume of wake.splice(0)) resume();
  });
  socket.on('close', () => {
    for (const resume of wake.splice(0)) resume();
  });
  socket.on('error', (error) => {
    failure ??= error;
  });
  await once(socket, 'open');
  const output = (): Buffer => Buffer.concat(parts);
  return {
    socket,
    frames,
    output,
    end: () => expected ?? 0,
    send: (frame) => socket.send(encodeBrowserFrame(frame)),
    type: (text) => socket.send(encodeBrowserFrame({ kind: 'key', bytes: new TextEncoder().encode(text) })),
    async until(found, ms = 15_000) {
      const deadline = performance.now() + ms;
      while (!found()) {
        if (failure) throw failure;
        const left = deadline - performance.now();
        if (left <= 0) {
          const tail = output().subarray(-2000).toString();
          throw new Error(
            `not seen in ${ms} ms; frames ${JSON.stringify(frames.slice(-5))}; output ${JSON.stringify(tail)}`,
          );
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(left, 250));
          wake = [...wake, () => (clearTimeout(timer), resolve())];
        });
      }
      if (failure) throw failure;
    },
    close: () => socket.terminate(),
  };
}
