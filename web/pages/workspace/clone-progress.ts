export interface CloneProgress {
  readonly phase: string;
  /** 0 to 100 of this phase; null while git does not say. */
  readonly percent: number | null;
  readonly lines: readonly string[];
}

export const noProgress: CloneProgress = { phase: '', percent: null, lines: [] };
const maximumLines = 400;

/** Takes in what git said next; `message` is what git says outside its phases. A line that only counts on replaces the one before, as in a terminal. */
export function advance(
  before: CloneProgress,
  { phase, percent, line }: { readonly phase: string; readonly percent: number | null; readonly line: string },
): CloneProgress {
  const last = before.lines.at(-1);
  const counts = last !== undefined && stem(last) !== null && stem(last) === stem(line);
  const kept = counts ? before.lines.slice(0, -1) : before.lines;
  const lines = line === '' ? before.lines : [...kept, line].slice(-maximumLines);
  return { phase: phase === '' || phase.toLowerCase() === 'message' ? before.phase : phase, percent, lines };
}

/** The words before `NN%`; null for a line without a count. */
function stem(line: string): string | null {
  const at = line.search(/\d+%/);
  return at === -1 ? null : line.slice(0, at).trim();
}
