/** The nearest-rank percentile, `part` from 0 to 1, of figures in any order. Throws when there are none. */
export function percentile(figures: readonly number[], part: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
  if (found === undefined) throw new Error('nothing was measured');
  return found;
}
