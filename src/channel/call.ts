import { CasemateError } from '#contract/errors.ts';
import { frameKinds, maximumItemBytes, streamWindowBytes } from '#contract/channel.ts';
import { decodeHeaded, encodeFrame, encodeHeaded, FrameError, type Headed } from '#channel/frame.ts';

/** Bytes an item costs of the window beside its payload, so that empty items are bounded as well. */
const itemOverheadBytes = 64;
/** Headers of items say what a payload is; one that is longer is there to fill this side's memory. */
const maximumItemHeaderBytes = 4096;

/** What one process holds of items that its handlers have not read yet, over all calls and connections. */
export interface ReceiveBudget {
  held: number;
  readonly maximum: number;
}

/** One side's half of a call's item streams: what it sends is held to the window, what it receives is queued. */
export class CallStream implements AsyncIterable<Headed> {
  readonly #call: number;
  readonly #write: (parts: Buffer[]) => void;
  readonly #window: number;
  #credit: number;
  /** What the other side may still send. It looks at this before an item, not after, so one item may go beyond. */
  #room: number;
  /** Read here and not yet given back: in quarters of the window, so that short items cost no frame each. */
  #owed = 0;
  #waiting: (() => void)[] = [];
  #queue: Headed[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: Error | undefined;

  readonly #budget: ReceiveBudget;

  constructor(
    call: number,
    write: (parts: Buffer[]) => void,
    window = streamWindowBytes,
    budget: ReceiveBudget = { held: 0, maximum: Number.POSITIVE_INFINITY },
  ) {
    this.#window = window;
    this.#credit = window;
    this.#room = window;
    this.#call = call;
    this.#write = write;
    this.#budget = budget;
  }

  /** Sends one item (cut into several when long), waiting while the other side has no room. Rejects once the call is over. */
  async send(header: unknown, payload: Uint8Array = new Uint8Array()): Promise<void> {
    let at = 0;
    do {
      const part = payload.subarray(at, at + maximumItemBytes);
      while (this.#credit <= 0 && !this.#failure) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#failure) throw this.#failure;
      this.#credit -= part.length + itemOverheadBytes;
      this.#write(encodeFrame(frameKinds.item, this.#call, encodeHeaded(header, part)));
      at += part.length;
    } while (at < payload.length);
  }

  /** Tells the other side that no more items come from here. */
  end(): void {
    if (!this.#failure) this.#write(encodeFrame(frameKinds.end, this.#call));
  }

  granted(bytes: number): void {
    // Never more than the window, whatever the other side says: it is held here until that side reads.
    this.#credit = Math.min(this.#credit + bytes, this.#window);
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /**
   * Takes an item's body; false, and nothing is taken, when the budget is spent. Throws a FrameError when
   * the other side sends more than this call has room for.
   */
  received(body: Buffer): boolean {
    if (this.#ended || this.#failure) return true;
    const item = decodeHeaded(body);
    if (item.payload.length > maximumItemBytes || body.length - item.payload.length > maximumItemHeaderBytes) {
      throw new FrameError('the item is too long');
    }
    if (this.#room <= 0) throw new FrameError('more items came than there is room for');
    const cost = item.payload.length + itemOverheadBytes;
    if (this.#budget.held + cost > this.#budget.maximum) return false;
    this.#budget.held += cost;
    this.#room -= cost;
    this.#queue.push(item);
    this.#wake?.();
    return true;
  }

  ended(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Lets go of items that nobody will read any more. */
  discard(): void {
    for (const { payload } of this.#queue.splice(0)) this.#budget.held -= payload.length + itemOverheadBytes;
  }

  /** Ends both directions: senders reject with `failure`, the reader sees it after what is queued. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    for (const resume of this.#waiting.splice(0)) resume();
    this.#wake?.();
  }

  #giveBack(): void {
    const credit = Buffer.allocUnsafe(4);
    credit.writeUInt32BE(this.#owed, 0);
    this.#room += this.#owed;
    this.#owed = 0;
    if (!this.#failure) this.#write(encodeFrame(frameKinds.credit, this.#call, [credit]));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Headed> {
    for (;;) {
      const item = this.#queue.shift();
      if (item) {
        const cost = item.payload.length + itemOverheadBytes;
        this.#budget.held -= cost;
        this.#owed += cost;
        if (this.#owed >= this.#window / 4) this.#giveBack();
        yield item;
        continue;
      }
      if (this.#ended) return;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

/** The error that senders and readers meet when the other side has answered or gone. One for all: most calls end unread. */
export const callOver = new CasemateError('cancelled', 'The call is over');
