import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';

export interface ProcessIdentity {
  readonly uid: number;
  readonly gid: number;
}

/** Starts a program as another user without groups, privileges or our environment; it is told to stop when we die. */
export function spawnAs(
  identity: ProcessIdentity,
  program: string,
  programArguments: readonly string[],
  options: { readonly cwd: string; readonly stdio: StdioOptions; readonly deathSignal: string },
): ChildProcess {
  const drop =
    process.getuid?.() === 0
      ? [
          `--reuid=${identity.uid}`,
          `--regid=${identity.gid}`,
          '--clear-groups',
          '--inh-caps=-all',
          '--bounding-set=-all',
        ]
      : [];
  return spawn(
    'setpriv',
    [...drop, '--no-new-privs', `--pdeathsig=${options.deathSignal}`, '--', program, ...programArguments],
    {
      cwd: options.cwd,
      stdio: options.stdio,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    },
  );
}
