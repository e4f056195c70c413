import { resolve } from 'node:path';
import { mendCgroups } from '../src/main/doctor/mend-cgroups.ts';
import { runGates } from './check/gates.ts';
import { sourceFiles } from './check/sources.ts';
import { runTests, type TestReport } from './test/run.ts';

const help = `
./casemate test [FILE …]

Runs everything: the gates of \`check\`, unit tests, then each suite under test/ on real systems. With FILEs only these. Prints what was skipped and what the machine lacked; with
CI=true a skipped test is a failure. The last line counts. Exit code 1 when something failed.
`;

const root = resolve(import.meta.dirname, '..');
/** For one test; suites that build or start whole instances set their own. */
const timeoutMs = 180_000;

const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));

/**
 * Suites whose files share nothing with others but the machine, and mostly wait: two at once. All others look at
 * the whole machine, or time what they see.
 */
const besideOthers = /^test\/(?:access|e2e-api)\//;
const lanes = 2;

async function suites(files: readonly string[]): Promise<TestReport> {
  const total: TestReport = { passed: 0, failed: [], skipped: [], output: '' };
  // The longest are among the later ones: begun last, one would run alone.
  const queue = files.filter((file) => besideOthers.test(file)).toReversed();
  const lane = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await suite(file, total);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  for (const file of files.filter((name) => !besideOthers.test(name))) await suite(file, total);
  return total;
}

async function suite(file: string, total: TestReport): Promise<void> {
  const started = performance.now();
  const report = await runTests(root, [file], { isolated: true, timeoutMs });
  total.passed += report.passed;
  total.failed.push(...report.failed);
  total.skipped.push(...report.skipped);
  if (report.passed + report.failed.length + report.skipped.length === 0) {
    total.failed.push({ name: file, detail: `it holds no test\n${report.output}` });
  }
  const mark = report.failed.length === 0 ? 'ok  ' : 'FAIL';
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  console.log(`${mark} ${file.padEnd(44)} ${seconds} s  ${report.passed} passed, ${report.skipped.length} skipped`);
  for (const failure of report.failed) console.log(`\n── ${failure.name} ──\n${failure.detail}\n`);
}

async function main(): Promise<number> {
  const mended = process.getuid?.() === 0 ? await mendCgroups() : null;
  if (mended) console.log(mended);
  const all = sourceFiles(root).filter((file) => file.startsWith('test/') && file.endsWith('.test.ts'));
  const report = await suitesWithGates(named.length > 0 ? named : all, named.length === 0);
  for (const skipped of report.skipped) console.log(`skipped ${skipped.name}: ${skipped.reason}`);
  if (process.env.CI === 'true') {
    for (const skipped of report.skipped) report.failed.push({ name: skipped.name, detail: 'skipped in CI' });
  }
  console.log('');
  for (const failure of report.failed) console.log(`failed  ${failure.name}`);
  console.log(`${report.passed} passed, ${report.failed.length} failed`);
  return report.failed.length === 0 && report.passed > 0 ? 0 : 1;
}

async function suitesWithGates(files: readonly string[], withGates: boolean): Promise<TestReport> {
  if (!withGates) return suites(files);
  const gates = await runGates();
  const report = await suites(files);
  report.passed += gates.passed + (gates.unit?.passed ?? 0);
  for (const name of gates.failed) if (name !== 'unit tests') report.failed.push({ name: `gate ${name}`, detail: '' });
  report.failed.push(...(gates.unit?.failed ?? []));
  report.skipped.push(...(gates.unit?.skipped ?? []));
  return report;
}

if (process.argv.includes('--help') || process.argv.includes('-h')) console.log(help.trim());
else process.exitCode = await main();
