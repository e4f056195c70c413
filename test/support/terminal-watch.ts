import type { Page } from 'playwright-core';
import { decodeServerFrame } from '../../src/contract/terminal-codec.ts';

/** The output that a page received over its terminal's socket, across reconnects, by absolute offset. */
export interface TerminalWatch {
  /** Sockets opened so far. */
  readonly sockets: number;
  /** The bytes from the first offset seen up to the last; throws where any is missing or differs when sent again. */
  bytes(): Buffer;
}

export function watchTerminal(page: Page, terminalId?: string): TerminalWatch {
  const frames: { offset: number; bytes: Uint8Array }[] = [];
  let sockets = 0;
  page.on('websocket', (socket) => {
    if (!socket.url().includes('/terminals/') || (terminalId !== undefined && !socket.url().includes(terminalId)))
      return;
    sockets += 1;
    socket.on('framereceived', ({ payload }) => {
      if (typeof payload === 'string') return;
      const frame = decodeServerFrame(payload);
      if (frame.kind === 'output') frames.push({ offset: frame.offset, bytes: Uint8Array.from(frame.bytes) });
    });
  });
  return {
    get sockets() {
      return sockets;
    },
    bytes() {
      const ordered = frames.toSorted((a, b) => a.offset - b.offset);
      const first = ordered[0]?.offset ?? 0;
      let joined = Buffer.alloc(0);
      for (const { offset, bytes } of ordered) {
        const at = offset - first;
        if (at > joined.length) throw new Error(`bytes ${first + joined.length} to ${offset} never arrived`);
        const again = Math.min(joined.length - at, bytes.length);
        if (!joined.subarray(at, at + again).equals(bytes.subarray(0, again)))
          throw new Error(`bytes at ${offset} changed`);
        joined = Buffer.concat([joined, bytes.subarray(again)]);
      }
      return joined;
    },
  };
}
