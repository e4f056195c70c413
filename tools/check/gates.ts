import { resolve } from 'node:path';
import { judgeLengths } from './lengths.ts';
import { sourceFiles, sourceFolders } from './sources.ts';
import { runCommand, runStep, type StepResult } from './step.ts';
import { type TestReport, runUnitTests } from '../test/run.ts';

const root = resolve(import.meta.dirname, '../..');
const files = sourceFiles(root);
const folders = sourceFolders(root);
const tool = (name: string): string => resolve(root, 'node_modules/.bin', name);

/** A step that is one program: passed when it exits with 0 and `count` finds a number above 0 in its output. */
function program(name: string, command: string, commandArguments: readonly string[], count: RegExp | null) {
  return runStep(name, async () => {
    const { code, output } = await runCommand(command, commandArguments, root);
    const seen = count ? Number(count.exec(output)?.[1]?.replaceAll(',', '') ?? 0) : files.length;
    const passed = code === 0 && seen > 0;
    return { passed, saw: `${seen} files`, output: passed ? '' : `${output}\n(exit code ${code})` };
  });
}

const lengths = (): Promise<StepResult> =>
  runStep('lengths', async () => {
    const { failures, warnings } = judgeLengths(root, files);
    for (const warning of warnings) console.log(`  note: ${warning}`);
    return {
      passed: failures.length === 0 && files.length > 20,
      saw: `${files.length} files`,
      output: failures.join('\n'),
    };
  });

const types = (): Promise<StepResult> =>
  runStep('types', async () => {
    const { code, output } = await runCommand(tool('tsc'), ['-b'], root);
    return { passed: code === 0, saw: `${files.length} files`, output };
  });

const unit = (keep: (report: TestReport) => void) => (): Promise<StepResult> =>
  runStep('unit tests', async () => {
    const report = await runUnitTests(root);
    keep(report);
    for (const skipped of report.skipped) console.log(`  skipped: ${skipped.name}: ${skipped.reason}`);
    return {
      passed: report.failed.length === 0 && report.passed > 0,
      saw: `${report.passed} tests`,
      output: report.failed.map((failure) => `${failure.name}\n${failure.detail}`).join('\n\n') || report.output,
    };
  });

/** At most `width` at once: more only makes each slower on a small machine. */
async function inTurn(steps: readonly (() => Promise<StepResult>)[], width: number): Promise<StepResult[]> {
  const results: StepResult[] = [];
  const queue = [...steps];
  const worker = async (): Promise<void> => {
    for (let step = queue.shift(); step; step = queue.shift()) results.push(await step());
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

export interface CheckResult {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly unit: TestReport | undefined;
}

/**
 * Every gate that needs no root and no other machine. Steps that do not lean on one another run side
 * by side. Each says what it looked at, and seeing nothing is a failure.
 */
export async function runGates(): Promise<CheckResult> {
  let report: TestReport | undefined;
  const started = performance.now();
  const results = await inTurn(
    [
      unit((result) => {
        report = result;
      }),
      types,
      () => program('format', tool('biome'), ['format', ...folders], /Checked ([\d,]+) files?/),
      () => program('rooms', process.execPath, ['tools/rooms.ts'], /([\d,]+) files/),
      lengths,
      () => program('lint', tool('oxlint'), ['--type-aware', '--quiet', ...folders], /on ([\d,]+) files?/),
      () => program('unused', tool('knip'), ['--no-progress'], null),
      () => program('generated', process.execPath, ['tools/generate.ts', '--check'], /([\d,]+) generated files/),
    ],
    3,
  );

  for (const result of results) {
    if (!result.passed) console.error(`\n── ${result.name} ──\n${result.output.trimEnd()}\n`);
  }
  for (const result of results) {
    const time = `${(result.milliseconds / 1000).toFixed(1)} s`.padStart(7);
    console.log(`${result.passed ? 'ok  ' : 'FAIL'} ${result.name.padEnd(12)} ${time}  ${result.saw}`);
  }
  const shut = results.filter((result) => !result.passed);
  console.log(
    `${shut.length === 0 ? 'check passed' : `check failed: ${shut.map((result) => result.name).join(', ')}`} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  return {
    passed: results.length - shut.length,
    failed: shut.map((result) => result.name),
    unit: report,
  };
}
