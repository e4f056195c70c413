/** Sustained input of one viewer, and what may come at once: a paste of a megabyte is nothing unusual. */
const bytesPerSecond = 262_144;
const burstBytes = 1_048_576;
const framesPerSecond = 400;
const burstFrames = 1000;

/** Two token buckets. They delay; nothing that was typed is dropped. */
export class InputRate {
  #bytes = burstBytes;
  #frames = burstFrames;
  #at: number;

  constructor(nowMs: number) {
    this.#at = nowMs;
  }

  /** Takes one frame of `length` bytes; returns for how many milliseconds no more may be read. */
  take(length: number, nowMs: number): number {
    const seconds = Math.max(0, nowMs - this.#at) / 1000;
    this.#at = nowMs;
    this.#bytes = Math.min(burstBytes, this.#bytes + seconds * bytesPerSecond) - length;
    this.#frames = Math.min(burstFrames, this.#frames + seconds * framesPerSecond) - 1;
    const debt = Math.max(-this.#bytes / bytesPerSecond, -this.#frames / framesPerSecond, 0);
    return Math.ceil(debt * 1000);
  }
}
