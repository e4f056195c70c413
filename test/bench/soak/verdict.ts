import type { Sample } from './sample.ts';

export interface Verdict {
  readonly series: string;
  readonly first: number;
  readonly last: number;
  readonly highest: number;
  /** What the fitted line rises by over the samples that were judged. */
  readonly rise: number;
  readonly bound: number;
  /** Seconds that were judged. */
  readonly seconds: number;
  readonly flat: boolean;
}

/** Median of the slopes of all pairs (Theil–Sen): a few outliers do not turn it. Per second. */
export function slopeOf(points: readonly (readonly [number, number])[]): number {
  const slopes = points.flatMap(([x, y], at) => points.slice(at + 1).map(([x2, y2]) => (y2 - y) / (x2 - x)));
  slopes.sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] ?? 0;
}

/** How much a series may rise and still be called flat: what the load itself moves it by. */
export function boundOf(series: string, first: number): number {
  if (series.endsWith('memory, MB')) return Math.max(8, first * 0.1);
  if (series.endsWith('descriptors')) return Math.max(6, first * 0.05);
  if (series.startsWith('inodes')) return Math.max(100, first * 0.05);
  return Math.max(3, first * 0.05);
}

/**
 * A verdict for each series, over its samples from `from` seconds on; of a series that was read from
 * several processes, over the longest life of one. `grows` names those that work itself makes longer.
 */
export function judge(samples: readonly Sample[], from: number, grows: readonly string[]): Verdict[] {
  const names = new Set(samples.flatMap(({ figures }) => [...figures.keys()]));
  return [...names].map((series) => {
    const byLife = Map.groupBy(
      samples.filter(({ second, figures }) => second >= from && figures.has(series)),
      ({ lives }) => lives.get(series),
    );
    const judged = [...byLife.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
    const points = judged.map(({ second, figures }) => [second, figures.get(series) ?? 0] as const);
    const values = points.map(([, value]) => value);
    const seconds = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0);
    const first = values[0] ?? 0;
    const rise = slopeOf(points) * seconds;
    const bound = grows.includes(series) ? Infinity : boundOf(series, first);
    return {
      series,
      first,
      last: values.at(-1) ?? 0,
      highest: Math.max(0, ...values),
      rise,
      bound,
      seconds,
      flat: rise <= bound,
    };
  });
}

const figure = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));

/** The Markdown table of all verdicts. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const head = ['series', 'first', 'last', 'highest', 'rise of the line', 'bound', 'over', ''];
  const lines = verdicts.map((one) => [
    one.series,
    figure(one.first),
    figure(one.last),
    figure(one.highest),
    one.rise.toFixed(1),
    one.bound === Infinity ? '—' : figure(one.bound),
    `${Math.round(one.seconds / 60)} min`,
    one.bound === Infinity ? 'by work' : one.flat ? 'flat' : '**grows**',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const draw = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [draw(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...lines.map(draw)].join('\n');
}
