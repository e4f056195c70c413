import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchRow } from '../test/bench/row.ts';
import { describeMachine } from './bench/machine.ts';
import { suites } from './bench/suites.ts';
import { benchTable } from './bench/table.ts';

const help = `
./casemate bench [NAME …] [--write] [-o json]

Measures what Casemate costs, each figure in turns with its floor: the same work without Casemate, on this
machine, in this run. NAMEs: ${Object.keys(suites).join(', ')}; without one, all. --write puts the whole
table into docs/reference/bench.md. Exit code 1 when a goal was missed or a suite failed.

./casemate bench soak --minutes N

A day of use in small: mixed work on an instance of its own, with a process killed now and then, and a verdict
for memory, descriptors, mounts and the like: flat or growing. 20 minutes show a leak, 120 prove that there is none.
`;

const root = resolve(import.meta.dirname, '..');

/** Each suite has a process of its own: the garbage of one is not the pause of the next. */
async function measure(name: string): Promise<BenchRow[]> {
  const child = spawn(process.execPath, [join(root, 'tools/bench/suite.ts'), name], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let rows: BenchRow[] | null = null;
  child.on('message', (message) => (rows = message as BenchRow[]));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (rows === null) throw new Error(`the suite ${name} ended with ${code} and measured nothing`);
  return rows;
}

async function soak(minutes: string | undefined): Promise<number> {
  const child = spawn(process.execPath, [join(root, 'tools/bench/soak.ts'), minutes ?? ''], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function main(words: readonly string[]): Promise<number> {
  if (words[0] === 'soak') return soak(words[words.indexOf('--minutes') + 1]);
  const json = words.includes('json');
  const names = words.filter((word) => !word.startsWith('-') && word !== 'json');
  const unknown = names.find((name) => !(name in suites));
  if (unknown !== undefined) {
    console.error(`there is no suite ${unknown}; there are ${Object.keys(suites).join(', ')}`);
    return 2;
  }
  const rows: BenchRow[] = [];
  const failed: string[] = [];
  for (const name of names.length > 0 ? names : Object.keys(suites)) {
    console.error(`measuring ${name}: ${suites[name]?.what}`);
    try {
      rows.push(...(await measure(name)));
    } catch (error) {
      failed.push(name);
      console.error(error instanceof Error ? error.message : error);
    }
  }
  const machine = describeMachine();
  const { text, missed } = benchTable(rows);
  console.log(json ? JSON.stringify({ machine, rows }, null, 1) : `${machine}\n\n${text}`);
  if (words.includes('--write')) {
    if (names.length > 0 || failed.length > 0) throw new Error('--write wants a whole run: nothing was written');
    const head = '# What Casemate costs\n\nWritten by `./casemate bench --write`.';
    writeFileSync(join(root, 'docs/reference/bench.md'), `${head}\n\n${machine}\n\n${text}\n`);
  }
  for (const name of failed) console.error(`the suite ${name} failed`);
  return missed === 0 && failed.length === 0 && rows.length > 0 ? 0 : 1;
}

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) console.log(help.trim());
else process.exitCode = await main(words);
