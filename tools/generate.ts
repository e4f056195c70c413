import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Generator } from './generate/generator.ts';

/**
 * Writes what is derived from code and committed: reference pages, the room table. With `--check`
 * nothing is written and a difference fails. Each file of `tools/generate/` but `generator.ts` is
 * one generator.
 */
const root = resolve(import.meta.dirname, '..');
const checking = process.argv.includes('--check');
const folder = resolve(import.meta.dirname, 'generate');
let stale = 0;
let count = 0;

for (const file of readdirSync(folder).toSorted()) {
  if (!file.endsWith('.ts') || file === 'generator.ts' || file.endsWith('.test.ts')) continue;
  const { generate } = (await import(resolve(folder, file))) as { generate: Generator };
  for (const { path, content } of await generate({ root })) {
    count += 1;
    const target = resolve(root, path);
    if (existsSync(target) && readFileSync(target, 'utf8') === content) continue;
    stale += 1;
    if (checking) {
      console.error(`${path} is not what tools/generate/${file} makes; run npm run generate`);
      continue;
    }
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    console.log(`wrote ${path}`);
  }
}
console.log(`${count} generated files, ${stale} ${checking ? 'stale' : 'written'}`);
process.exitCode = count === 0 || (checking && stale > 0) ? 1 : 0;
