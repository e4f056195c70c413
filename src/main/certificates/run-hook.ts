import { type ChildProcess, spawn } from 'node:child_process';
import type { Identity } from '#main/up/users.ts';

const longestMs = 300_000;
const mostOutput = 400;

export interface Hook {
  readonly program: string;
  /** Starts it without privileges or settings; standard error is a pipe, and it leads a process group. */
  readonly start: (command: readonly string[]) => ChildProcess;
}

/** Starts a hook as this user. */
export const hookAs =
  ({ uid, gid }: Identity): Hook['start'] =>
  (command) =>
    spawn(
      'setpriv',
      [
        ...[`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs'],
        ...['--pdeathsig=KILL', '--', ...command],
      ],
      {
        cwd: '/',
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' },
        stdio: ['ignore', 'ignore', 'pipe'],
        // A group of its own, so that what it started ends with it.
        detached: true,
      },
    );

/**
 * Runs the operator's DNS hook, `PROGRAM set|remove NAME VALUE`, as a user without privileges and without
 * a shell: what the authority chose is only ever an argument. It succeeds with exit code 0, once the
 * record can be seen. Throws when it fails, or is not done within five minutes.
 */
export function runHook(hook: Hook, action: 'set' | 'remove', name: string, value: string): Promise<void> {
  const child = hook.start([hook.program, action, name, value]);
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-mostOutput);
    });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, longestMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new Error(`the DNS hook cannot be started: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve();
      const words = said.replace(/[^\x20-\x7e]+/g, ' ').trim();
      reject(new Error(`the DNS hook ended with ${signal ?? code}${words === '' ? '' : `: ${words}`}`));
    });
  });
}
