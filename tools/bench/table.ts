import { type BenchGoal, type BenchRow, goalsMet, ratioOf } from '../../test/bench/row.ts';

const figure = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

function goalText({ of, atMost, atLeast }: BenchGoal, unit: string): string {
  const bound = atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
  return of === 'ratio' ? `${bound} ×` : `${bound} ${unit}`;
}

/** The Markdown table of a run, aligned for a terminal, and how many goals were missed. */
export function benchTable(rows: readonly BenchRow[]): { readonly text: string; readonly missed: number } {
  const head = ['what', 'unit', 'Casemate', 'floor', 'ratio', 'goal', ''];
  const lines = rows.map((row) => {
    const ratio = ratioOf(row);
    const met = goalsMet(row);
    return [
      row.name,
      row.unit,
      figure(row.value),
      row.floor === null ? '—' : figure(row.floor),
      ratio === null ? '—' : ratio.toFixed(2),
      row.goals.map((goal) => goalText(goal, row.unit)).join(row.anyGoal ? ' or ' : ', ') || '—',
      met === null ? '' : met ? 'met' : '**missed**',
    ];
  });
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const draw = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return {
    text: [draw(head), rule, ...lines.map(draw)].join('\n'),
    missed: rows.filter((row) => goalsMet(row) === false).length,
  };
}
