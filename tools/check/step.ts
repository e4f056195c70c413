import { spawn } from 'node:child_process';
import { dirname, delimiter } from 'node:path';

export interface StepResult {
  readonly name: string;
  readonly passed: boolean;
  readonly milliseconds: number;
  /** What it looked at, in a few words. */
  readonly saw: string;
  /** Printed when it failed. */
  readonly output: string;
}

export interface CommandOutput {
  readonly code: number;
  readonly output: string;
}

/** Programs from npm start with "/usr/bin/env node": that must be the Node that runs this. */
const environment = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };

/** Runs a program without a shell and gathers what it prints; a signal counts as exit code 1. */
export function runCommand(command: string, commandArguments: readonly string[], cwd: string): Promise<CommandOutput> {
  return new Promise((settle, fail) => {
    const child = spawn(command, [...commandArguments], { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const gather = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', gather);
    child.stderr.on('data', gather);
    child.once('error', fail);
    child.once('close', (code) => settle({ code: code ?? 1, output }));
  });
}

/** Times `work`, which throws or returns `passed: false` when the gate is shut. */
export async function runStep(
  name: string,
  work: () => Promise<{ passed: boolean; saw: string; output: string }>,
): Promise<StepResult> {
  const started = performance.now();
  try {
    const result = await work();
    return { name, ...result, milliseconds: performance.now() - started };
  } catch (error) {
    const output = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name, passed: false, saw: 'nothing', output, milliseconds: performance.now() - started };
  }
}
