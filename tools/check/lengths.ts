import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const warnAbove = 300;
const failAbove = 400;
/** Catalogues, tests and generated files are as long as what they list. */
const exempt = /\.(test|suite)\.tsx?$|^test\/|\.generated\.ts$|catalogue|^src\/contract\/audit\.ts$/;

/** Judges how long files are: over 300 lines needs a reason, over 400 fails. */
export function judgeLengths(root: string, files: readonly string[]): { failures: string[]; warnings: string[] } {
  const failures: string[] = [];
  const warnings: string[] = [];
  for (const file of files) {
    if (exempt.test(file)) continue;
    const lines = readFileSync(resolve(root, file), 'utf8').split('\n').length - 1;
    if (lines > failAbove) failures.push(`${file}: ${lines} lines (at most ${failAbove})`);
    else if (lines > warnAbove) warnings.push(`${file}: ${lines} lines (over ${warnAbove} needs a reason)`);
  }
  return { failures, warnings };
}
