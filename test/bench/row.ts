/** One measured figure, with the floor of the same run where there is one. */
export interface BenchRow {
  /** What was measured, in words a reader of the table understands. */
  readonly name: string;
  readonly unit: 'ms' | 's' | 'MiB' | 'MiB/s' | 'MB';
  readonly value: number;
  /** The same work without Casemate, in the same unit, measured in turns with it. */
  readonly floor: number | null;
  /** All of them must hold, unless `anyGoal` says that one is enough. Empty: a figure without a goal. */
  readonly goals: readonly BenchGoal[];
  readonly anyGoal?: true;
}

/** `value`: the figure itself; `ratio`: the figure over its floor. */
export interface BenchGoal {
  readonly of: 'value' | 'ratio';
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** Ratio to the floor, or null. */
export function ratioOf(row: BenchRow): number | null {
  return row.floor === null || row.floor === 0 ? null : row.value / row.floor;
}

/** Whether the goals of a row are met; null when it has none. */
export function goalsMet(row: BenchRow): boolean | null {
  if (row.goals.length === 0) return null;
  const held = row.goals.map((goal) => {
    const figure = goal.of === 'value' ? row.value : ratioOf(row);
    if (figure === null) return false;
    return figure <= (goal.atMost ?? Infinity) && figure >= (goal.atLeast ?? -Infinity);
  });
  return row.anyGoal ? held.includes(true) : !held.includes(false);
}
