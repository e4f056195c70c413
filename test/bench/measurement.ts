/** One line of the table of measurements. */
export interface Measurement {
  readonly name: string;
  /** Of the product. */
  readonly value: number;
  /** The same without the product, measured in the same run; null where there is nothing to compare with. */
  readonly floor: number | null;
  /** `value / floor`. */
  readonly ratio: number | null;
  /** Most that is allowed, as a value and as a ratio; both when both are given. Empty: told, not judged. */
  readonly goal: { readonly value?: number; readonly ratio?: number };
  readonly unit: 'ms' | 'MiB';
}

/** The nearest-rank percentile: `part` is in 0–1. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

/** A line for the percentile `part` of samples and of the floor's. */
export function compare(
  name: string,
  unit: Measurement['unit'],
  part: number,
  samples: { readonly product: readonly number[]; readonly floor: readonly number[] },
  goal: Measurement['goal'] = {},
): Measurement {
  const value = percentile(samples.product, part);
  const floor = percentile(samples.floor, part);
  return { name: `${name}, p${part * 100}`, value, floor, ratio: value / floor, goal, unit };
}

/** The lines as text, one a row: value, floor, ratio, what is allowed, whether it holds. */
export function table(rows: readonly Measurement[]): string {
  const number = (value: number | null): string => (value === null ? '–' : value.toFixed(value < 10 ? 2 : 1));
  return rows
    .map(({ name, value, floor, ratio, goal, unit }) => {
      const limits = [
        ...(goal.value === undefined ? [] : [`≤ ${goal.value} ${unit}`]),
        ...(goal.ratio === undefined ? [] : [`≤ ${goal.ratio} ×`]),
      ];
      const holds = value <= (goal.value ?? Infinity) && (ratio ?? 0) <= (goal.ratio ?? Infinity);
      const verdict = limits.length === 0 ? '' : `${limits.join(', ')}: ${holds ? 'holds' : 'MISSED'}`;
      const figures = [number(value), number(floor), `${number(ratio)} ×`].map((text) => text.padStart(9)).join('');
      return `${name.padEnd(44)}${figures} ${unit.padEnd(4)} ${verdict}`;
    })
    .join('\n');
}
