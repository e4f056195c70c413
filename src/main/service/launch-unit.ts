import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { runProgram } from '#main/prepare/program.ts';
import { propertyArguments } from '#main/service/unit-text.ts';
import type { UnitOptions } from '#main/service/hardening.ts';

export interface UnitLaunch {
  /** With `.service`. */
  readonly unit: string;
  readonly options: UnitOptions;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Descriptor of the log. */
  readonly log: number;
}

/**
 * Has systemd run a Node process in a transient unit. The ChildProcess is systemd-run's, which ends
 * when the unit does and with its exit code; Node's messages go over standard input, which systemd
 * hands to the service, so that a supervised process speaks and listens as a child does.
 */
export function launchUnit(of: UnitLaunch): ChildProcess {
  const environment = Object.entries(of.environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`--setenv=${name}=${value}`],
  );
  return spawn(
    'systemd-run',
    [
      '--quiet',
      '--pipe',
      '--wait',
      '--collect',
      '--service-type=exec',
      `--unit=${of.unit}`,
      `--working-directory=${of.cwd}`,
      ...environment,
      '--setenv=NODE_CHANNEL_FD=0',
      '--setenv=NODE_CHANNEL_SERIALIZATION_MODE=json',
      // What outlives the process, holders and sandboxes, is ended by ourselves or not at all.
      '--property=KillMode=process',
      '--property=SendSIGKILL=no',
      ...propertyArguments(of.options),
      '--',
      ...of.command,
    ],
    { stdio: ['ipc', of.log, of.log], env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  );
}

/** The process of a unit that runs; 0 when there is none. */
export async function mainPidOf(unit: string): Promise<number> {
  return Number((await runProgram('systemctl', ['show', '--property=MainPID', '--value', unit])).trim());
}

/**
 * Resolves when no unit of that name is at work any more: one whose supervisor was killed ends by itself, and
 * systemd starts no other under its name before. After `patienceMs` it resolves all the same.
 */
export async function unitEnded(unit: string, patienceMs = 20_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const state = (await runProgram('systemctl', ['show', '--property=ActiveState', '--value', unit])).trim();
    if (state === 'inactive' || state === 'failed' || performance.now() > deadline) return;
    await wait(100);
  }
}

/** Runs a program outside the supervisor's unit, where the machine's mounts are made. */
export async function runOnHost(program: string, programArguments: readonly string[]): Promise<string> {
  return runProgram('systemd-run', ['--quiet', '--pipe', '--wait', '--collect', '--', program, ...programArguments]);
}

/** Signals the process of a unit, not what it started; a unit that ended meanwhile needs none. */
export async function signalUnit(unit: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if ((await mainPidOf(unit)) === 0) return;
  await runProgram('systemctl', ['kill', '--kill-who=main', `--signal=${signal}`, unit]);
}
