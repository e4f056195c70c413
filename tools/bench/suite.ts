import { suites } from './suites.ts';

/** Runs one suite, by name, and sends its rows to the parent. */
const suite = suites[process.argv[2] ?? ''];
if (!suite) throw new Error('usage: node tools/bench/suite.ts NAME');
const measure = await suite.load();
const rows = await measure();
process.send?.(rows, () => process.exit(0));
