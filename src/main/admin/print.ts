/** Text from elsewhere as a terminal may show it: control characters (escape sequences) become `�`. */
const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '\ufffd');

/** Rows under headings, in columns. */
export function printTable(headings: readonly string[], rows: readonly (readonly (string | null)[])[]): void {
  const cells = [headings, ...rows.map((row) => row.map((cell) => plain(cell ?? '—')))];
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? '')].length)));
  for (const row of cells) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    process.stdout.write(`${line.trimEnd()}\n`);
  }
}

export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

export const printLine = (line: string): void => void process.stdout.write(`${plain(line)}\n`);
