import { isUtf8 } from 'node:buffer';
import { CasemateError } from '#contract/errors.ts';
import { type BrowserFrame, viewerWindowBytes } from '#contract/terminal.ts';
import { decodeBrowserFrame, encodeServerFrame } from '#contract/terminal-codec.ts';
import { InputRate } from '#terminals/input-rate.ts';
import type { InputWriter } from '#terminals/input-writer.ts';
import { sanitisePaste } from '#terminals/sanitise-paste.ts';
import type { ViewedTerminal, Viewer } from '#terminals/viewed-terminal.ts';

/** An answer to a query is short; nothing a terminal emulator says by itself is longer. */
const maximumReplyBytes = 4096;
/** Unsent bytes beyond a full window of output: answers to a viewer that asks and does not read. */
const crowdedBytes = 2 * viewerWindowBytes;

export interface ViewerInputOptions {
  readonly viewer: Viewer;
  readonly viewed: ViewedTerminal;
  readonly writer: InputWriter;
  readonly send: (frame: Uint8Array) => void;
  /** What was sent and has not left, in bytes, and its going. */
  readonly unsent: { readonly bufferedBytes: number; drained(): Promise<void> };
  /** Stops and starts reading from the viewer. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly acknowledge: (offset: number) => void;
  /** A person is at work. */
  readonly touch: () => void;
}

/**
 * Takes the frames of one viewer. Throws what `decodeBrowserFrame` throws; what is well formed but
 * may not be is answered with a notice, or dropped where the contract says so.
 */
export function createViewerInput(options: ViewerInputOptions): (frame: Uint8Array) => void {
  const { viewed, viewer, writer } = options;
  const rate = new InputRate(performance.now());
  let paused = false;

  const notice = (code: string, message: string): void =>
    options.send(encodeServerFrame({ kind: 'notice', code, message }));

  const holdBack = (length: number): void => {
    const delayMs = rate.take(length, performance.now());
    const crowded = options.unsent.bufferedBytes > crowdedBytes;
    if ((delayMs === 0 && !writer.full && !crowded) || paused) return;
    paused = true;
    options.pause();
    const calm = delayMs > 0 ? new Promise<void>((resolve) => setTimeout(resolve, delayMs)) : Promise.resolve();
    void Promise.all([calm, writer.room(), crowded ? options.unsent.drained() : undefined]).then(() => {
      paused = false;
      options.resume();
    });
  };

  const type = (bytes: Uint8Array | undefined): void => {
    if (!viewer.drives) return notice('forbidden', 'You may look at this terminal, but not type into it.');
    if (!bytes) return notice('invalid_request', 'That was not valid text (UTF-8), so it was not sent to the program.');
    options.touch();
    viewed.typed(viewer);
    writer.write(bytes);
  };

  const take = (frame: BrowserFrame): void => {
    switch (frame.kind) {
      case 'key':
        return type(isUtf8(frame.bytes) ? frame.bytes : undefined);
      case 'paste':
        return type(sanitisePaste(frame.bytes));
      case 'reply':
        // Two emulators answering one query would type garbage: only the driver's counts.
        if (!viewed.isDriver(viewer)) return;
        if (frame.bytes.length > maximumReplyBytes) {
          throw new CasemateError('too_large', `A reply of a terminal holds at most ${maximumReplyBytes} bytes.`);
        }
        return writer.write(frame.bytes);
      case 'resize':
        if (viewer.drives) viewed.wants(viewer, { columns: frame.columns, rows: frame.rows });
        return;
      case 'acknowledge':
        return options.acknowledge(frame.offset);
      case 'ping':
        return options.send(encodeServerFrame({ kind: 'pong', token: frame.token }));
    }
  };

  return (bytes) => {
    holdBack(bytes.length);
    take(decodeBrowserFrame(bytes));
  };
}
