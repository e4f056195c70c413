import { spawn } from 'node:child_process';

export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end with exactly this environment (PATH and HOME aside). */
export function runProgram(
  file: string,
  argv: readonly string[],
  options: { readonly environment?: Record<string, string>; readonly input?: string; readonly cwd?: string } = {},
): Promise<ProgramResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProgramResult>();
  const { PATH = '/usr/bin:/bin' } = process.env;
  const child = spawn(file, argv, {
    env: { PATH, HOME: '/nonexistent', LC_ALL: 'C.UTF-8', ...options.environment },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.on('error', reject);
  child.on('close', (code) => resolve({ code, stdout, stderr }));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return promise;
}
