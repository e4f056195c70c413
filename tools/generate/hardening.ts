import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { sourceFiles } from '../check/sources.ts';
import type { Generator } from './generator.ts';
import { hardeningItems } from './hardening/items.ts';
import { numberedTests } from './hardening/numbered-tests.ts';

/** Below this many the search itself is broken. */
const leastTests = 60;

/** docs/reference/hardening.md: each item of the list, and the tests that prove it. */
export const generate: Generator = ({ root }) => {
  const byItem = new Map<number, string[]>();
  for (const file of sourceFiles(root).filter((path) => /\.(test|suite)\.tsx?$/.test(path))) {
    const source = readFileSync(resolve(root, file), 'utf8');
    if (!/['"`]H\d+ /.test(source)) continue;
    const ofFile = Map.groupBy(numberedTests(file, source), ({ item }) => item);
    for (const [item, tests] of ofFile) {
      if (!hardeningItems[item]) throw new Error(`${file} has a test of H${item}, which is no item of the list`);
      const lines = [`- \`${file}\``, ...tests.map(({ name }) => `  - ${name}`)];
      byItem.set(item, [...(byItem.get(item) ?? []), ...lines]);
    }
  }
  const countOf = (item: number): number => (byItem.get(item) ?? []).filter((line) => line.startsWith('  ')).length;
  const items = Object.entries(hardeningItems).map(([number, item]) => ({ number: Number(number), ...item }));
  const total = items.reduce((sum, { number }) => sum + countOf(number), 0);
  if (total < leastTests) throw new Error(`${total} tests of the hardening list were found, of ${leastTests} or more`);

  const lines = [
    '# Hardening',
    '',
    'Each item of the list, in a sentence, and the tests that prove it. A test belongs to an item when its',
    'name begins with the number. *Open* says what the item asks for and does not stand, or is not proven',
    '([0009](../decisions/0009-what-the-first-form-leaves-open.md)).',
    '',
    '| item | tests | in a sentence |',
    '|---|---|---|',
    ...items.map(
      ({ number, title }) => `| [H${number}](#h${number}) | ${countOf(number) || 'not proven'} | ${title} |`,
    ),
  ];
  for (const { number, title, open } of items) {
    const tests = byItem.get(number);
    if (!tests && open === null) throw new Error(`H${number} has no test, and its row does not say why`);
    lines.push('', `## H${number}`, '', title, '');
    if (open !== null) lines.push(`${tests ? '*Open:*' : '**Not proven.**'} ${open}`, '');
    lines.push(...(tests ?? []));
    if (lines.at(-1) === '') lines.pop();
  }
  return Promise.resolve([{ path: 'docs/reference/hardening.md', content: `${lines.join('\n')}\n` }]);
};
