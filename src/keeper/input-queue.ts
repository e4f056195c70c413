import { CasemateError } from '#contract/errors.ts';
import { inputQueueBytes } from '#contract/keeper.ts';

/** Input that a program has not taken yet, in order, bounded by `inputQueueBytes`. */
export interface InputQueue {
  readonly length: number;
  /** Takes all of `bytes` or, when they do not fit, throws `rate_limited` and takes none. */
  push(bytes: Uint8Array): void;
  /** Gives bytes to `write`, which answers how many it took, until it takes less than it was given. */
  drain(write: (bytes: Uint8Array) => number): void;
  clear(): void;
}

export function createInputQueue(): InputQueue {
  const parts: Uint8Array[] = [];
  let length = 0;
  return {
    get length() {
      return length;
    },
    push(bytes) {
      if (length + bytes.length > inputQueueBytes) {
        throw new CasemateError(
          'rate_limited',
          'The program is not reading its input. Nothing of this input was kept; send it again later.',
          { detail: { queuedBytes: length, maximumBytes: inputQueueBytes } },
        );
      }
      if (bytes.length === 0) return;
      parts.push(Uint8Array.from(bytes));
      length += bytes.length;
    },
    drain(write) {
      for (let first = parts[0]; first; first = parts[0]) {
        const taken = write(first);
        length -= taken;
        if (taken < first.length) {
          parts[0] = first.subarray(taken);
          return;
        }
        parts.shift();
      }
    },
    clear() {
      parts.length = 0;
      length = 0;
    },
  };
}
