import { spawn } from 'node:child_process';
import { relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { sourceFiles } from '../check/sources.ts';
import { mark } from './reporter.ts';

const lineSchema = z.strictObject({
  kind: z.enum(['pass', 'fail', 'skip']),
  name: z.string(),
  file: z.string(),
  milliseconds: z.number(),
  detail: z.string(),
});

export interface TestReport {
  passed: number;
  readonly failed: { readonly name: string; readonly detail: string }[];
  readonly skipped: { readonly name: string; readonly file: string; readonly reason: string }[];
  /** What the tests printed, the last of it. */
  output: string;
}

const keepOutput = 200_000;

/** Runs test files with node:test and counts what they report. A run that dies counts as one failure. */
export async function runTests(
  root: string,
  files: readonly string[],
  options: { readonly isolated: boolean; readonly timeoutMs: number; readonly onLine?: (line: string) => void },
): Promise<TestReport> {
  const report: TestReport = { passed: 0, failed: [], skipped: [], output: '' };
  if (files.length === 0) return report;
  const child = spawn(
    process.execPath,
    [
      '--test',
      `--test-isolation=${options.isolated ? 'process' : 'none'}`,
      ...(options.isolated ? ['--test-concurrency=1'] : []),
      `--test-timeout=${options.timeoutMs}`,
      '--test-force-exit',
      '--test-reporter',
      resolve(import.meta.dirname, 'reporter.ts'),
      ...files,
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
  );
  const keep = (line: string): void => {
    report.output = `${report.output}${line}\n`.slice(-keepOutput);
  };
  createInterface({ input: child.stderr }).on('line', keep);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const at = line.indexOf(mark);
    if (at < 0) {
      if (line !== '') keep(line);
      return;
    }
    const event = lineSchema.parse(JSON.parse(line.slice(at + mark.length)));
    const name = `${relative(root, event.file)}: ${event.name}`;
    if (event.kind === 'pass') report.passed += 1;
    else if (event.kind === 'fail') report.failed.push({ name, detail: event.detail });
    else report.skipped.push({ name, file: relative(root, event.file), reason: event.detail });
    options.onLine?.(`${event.kind} ${name} (${Math.round(event.milliseconds)} ms)`);
  });
  const code = await new Promise<number>((settle, fail) => {
    child.once('error', fail);
    child.once('close', (exitCode) => settle(exitCode ?? 1));
  });
  if (code !== 0 && report.failed.length === 0) {
    report.failed.push({ name: `node --test ended with ${code}`, detail: report.output });
  }
  return report;
}

/** Tests beside their files: one process for all, because starting hundreds is what makes a check slow. */
export function runUnitTests(root: string): Promise<TestReport> {
  const files = sourceFiles(root).filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/'));
  return runTests(root, files, { isolated: false, timeoutMs: 60_000 });
}
