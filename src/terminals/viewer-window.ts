import { viewerWindowBytes } from '#contract/terminal.ts';
import { maximumPieceBytes } from '#terminals/terminal-output.ts';

/** Bytes that may lie in the socket's own buffer before output waits. */
const socketHighWaterBytes = 524_288;

/** How output waits for one viewer. */
export interface ViewerTransport {
  send(frame: Uint8Array): void;
  /** Bytes that were sent and have not left this process. */
  readonly bufferedBytes: number;
  /** Resolves when some of them have left. */
  drained(): Promise<void>;
}

/**
 * Holds output back while the viewer has not drawn what it was sent: at most `viewerWindowBytes` are
 * under way beyond what it acknowledged, whatever else happens.
 */
export class ViewerWindow {
  #sent: number;
  #acknowledged: number;
  #wake: (() => void) | undefined;
  readonly #transport: ViewerTransport;

  constructor(start: number, transport: ViewerTransport) {
    this.#sent = start;
    this.#acknowledged = start;
    this.#transport = transport;
  }

  get sent(): number {
    return this.#sent;
  }

  /** The viewer has drawn up to `offset`; what it cannot have seen is not believed. */
  acknowledge(offset: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(offset, this.#sent));
    this.#wake?.();
  }

  sentUpTo(offset: number): void {
    this.#sent = offset;
  }

  #hasRoom(): boolean {
    const underWay = this.#sent - this.#acknowledged;
    return underWay <= viewerWindowBytes - maximumPieceBytes && this.#transport.bufferedBytes <= socketHighWaterBytes;
  }

  /** Resolves when another piece may be sent. Rejects when `signal` aborts. */
  async room(signal: AbortSignal): Promise<void> {
    if (this.#hasRoom()) return signal.throwIfAborted();
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (this.#sent - this.#acknowledged > viewerWindowBytes - maximumPieceBytes) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
      while (this.#transport.bufferedBytes > socketHighWaterBytes) {
        signal.throwIfAborted();
        await this.#transport.drained();
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }
}
