import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ProgramOptions {
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly onLine?: (line: string) => void;
  readonly input?: string;
}

/** A program that failed; the message ends with what it printed last. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

/** Runs a program without a shell and returns its standard output. Throws a ProgramError when it fails. */
export function runProgram(
  command: string,
  commandArguments: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  return new Promise((settle, fail) => {
    const child = spawn(command, [...commandArguments], {
      cwd: options.cwd,
      env: options.environment ?? process.env,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    let output = '';
    const last: string[] = [];
    const keep = (line: string): void => {
      options.onLine?.(line);
      last.push(line);
      if (last.length > 15) last.shift();
    };
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    if (child.stderr) createInterface({ input: child.stderr }).on('line', keep);
    child.stdin?.end(options.input);
    child.once('error', (error) => fail(new ProgramError(`${command}: ${error.message}`, { cause: error })));
    child.once('close', (code, signal) => {
      if (code === 0) settle(output);
      else fail(new ProgramError([`${command} ended with ${signal ?? code}`, ...last].join('\n  ')));
    });
  });
}
