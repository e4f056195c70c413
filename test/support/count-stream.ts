/**
 * Checks that bytes are the numbers 0, 1, 2 … one a line, whatever way they are cut. Answers the
 * next number; throws at the first byte that is missing, doubled or foreign.
 */
export function createCountCheck(): { push(bytes: Uint8Array): void; readonly next: number; readonly bytes: number } {
  let next = 0;
  let total = 0;
  let rest = '';
  return {
    push(bytes) {
      total += bytes.length;
      const lines = (rest + Buffer.from(bytes).toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line !== String(next))
          throw new Error(`expected ${next} before output byte ${total}, got ${JSON.stringify(line)}`);
        next += 1;
      }
    },
    get next() {
      return next;
    },
    get bytes() {
      return total;
    },
  };
}
