import { spawn } from 'node:child_process';

/** What every program of the host gets: nothing of the warden's own environment (H1). */
export const programEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } as const;

/** The same as `NAME=value`. */
export const programVariables: readonly string[] = Object.entries(programEnvironment).map(
  ([name, value]) => `${name}=${value}`,
);

export interface ProgramResult {
  /** Null when a signal ended it. */
  readonly status: number | null;
  /** Standard output and error, together at most 64 KiB. */
  readonly output: string;
}

const maximumOutput = 65_536;

/**
 * Runs a program of the host with descriptors 0–2 only, pipes all three: crun gives its standard
 * streams to the sandbox's user, and given /dev/null it would give away the host's. Answers when the
 * program exits, although a process it left behind may hold the pipes.
 */
export function runProgram(
  program: string,
  parameters: readonly string[],
  options: { readonly timeoutMs?: number; readonly input?: string } = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: programEnvironment,
      cwd: '/',
      // A session of its own: a guest's kill(0), or a hang-up of ours, stays where it belongs.
      detached: true,
      timeout: options.timeoutMs ?? 30_000,
      killSignal: 'SIGKILL',
    });
    const parts: Buffer[] = [];
    let room = maximumOutput;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        parts.push(bytes.subarray(0, room));
        room -= Math.min(room, bytes.length);
      });
    }
    // A program that does not read its input closes it: EPIPE says nothing that the status does not.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('exit', (status) => {
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ status, output: Buffer.concat(parts).toString('utf8') });
      });
    });
  });
}

/** Runs a program that must succeed; throws with its name, status and output otherwise. */
export async function mustRun(program: string, parameters: readonly string[]): Promise<string> {
  const { status, output } = await runProgram(program, parameters);
  if (status !== 0) throw new Error(`${program} ended with ${status ?? 'a signal'}: ${output.trim().slice(0, 500)}`);
  return output;
}
