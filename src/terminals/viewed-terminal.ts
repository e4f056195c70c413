import type { TerminalId } from '#base/ids.ts';
import type { TerminalSize } from '#contract/common.ts';
import type { Exit } from '#contract/warden.ts';

/** What a viewer is to the others. */
export interface Viewer {
  /** May type and resize. */
  readonly drives: boolean;
  /** How large its own window is, once it said so. */
  size: TerminalSize | null;
  onRole(answersQueries: boolean): void;
  onSize(size: TerminalSize): void;
}

/**
 * One terminal that somebody looks at: who looks, who drives, how large it is. The driver is who
 * typed last, at first whoever came first; it alone answers the program's queries and sets the size.
 */
export class ViewedTerminal {
  readonly viewers = new Set<Viewer>();
  /** Output up to here was sent to whoever drove then: its queries have had their answer. */
  answeredUpTo = 0;
  readonly #resize: (size: TerminalSize) => void;
  #driver: Viewer | null = null;
  #size: TerminalSize;
  #exit: Exit | null = null;
  #exitWaiters: (() => void)[] = [];

  constructor(size: TerminalSize, resize: (size: TerminalSize) => void) {
    this.#size = size;
    this.#resize = resize;
  }

  get size(): TerminalSize {
    return this.#size;
  }

  get exit(): Exit | null {
    return this.#exit;
  }

  join(viewer: Viewer): void {
    this.viewers.add(viewer);
    viewer.onSize(this.#size);
    if (!this.#driver && viewer.drives) this.#setDriver(viewer);
    else viewer.onRole(false);
  }

  leave(viewer: Viewer): void {
    this.viewers.delete(viewer);
    if (this.#driver !== viewer) return;
    this.#driver = null;
    for (const next of this.viewers) {
      if (next.drives) return this.#setDriver(next);
    }
  }

  isDriver(viewer: Viewer): boolean {
    return this.#driver === viewer;
  }

  /** `viewer` typed: it drives from now on. */
  typed(viewer: Viewer): void {
    if (this.#driver !== viewer && viewer.drives) this.#setDriver(viewer);
  }

  /** A window has this size now; the terminal follows the driver's. */
  wants(viewer: Viewer, size: TerminalSize): void {
    viewer.size = size;
    if (this.#driver === viewer) this.#apply(size);
  }

  /** The program has ended. */
  ended(exit: Exit): void {
    this.#exit = exit;
    for (const wake of this.#exitWaiters.splice(0)) wake();
  }

  /** Resolves when the program has ended, or after `ms`. */
  async exitWithin(ms: number): Promise<Exit | null> {
    if (!this.#exit) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#exitWaiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.#exit;
  }

  #setDriver(viewer: Viewer): void {
    this.#driver?.onRole(false);
    this.#driver = viewer;
    viewer.onRole(true);
    if (viewer.size) this.#apply(viewer.size);
  }

  #apply(size: TerminalSize): void {
    if (size.columns === this.#size.columns && size.rows === this.#size.rows) return;
    this.#size = size;
    this.#resize(size);
    for (const viewer of this.viewers) viewer.onSize(size);
  }
}

export type ViewedTerminals = Map<TerminalId, ViewedTerminal>;
