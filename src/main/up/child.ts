import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type FromChild, fromChildSchema } from '#contract/supervision.ts';
import type { UnitOptions } from '#main/service/hardening.ts';
import { launchUnit, mainPidOf, signalUnit } from '#main/service/launch-unit.ts';
import { openLogFile } from '#main/up/log-file.ts';

export interface ChildOptions {
  readonly name: string;
  readonly command: readonly [program: string, ...programArguments: string[]];
  readonly cwd: string;
  readonly logDirectory: string;
  /** Keeps working when this process dies. */
  readonly outlives: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly readinessMs: number;
  readonly onMessage?: (message: FromChild, reply: Reply) => void;
  /** Told before anything else. */
  readonly greetings?: readonly object[];
  /** Takes from the process what it needed to start, before it counts as ready. */
  readonly settle?: (pid: number) => Promise<void>;
  /** Runs it as a unit of its own, where systemd supervises this process; its user is one of `options` then. */
  readonly unit?: { readonly name: string; readonly options: UnitOptions } | undefined;
}

/** Answers a child; a listening socket that travels beside the message is this process's own until it was sent. */
export type Reply = (message: object, socket?: Server) => Promise<void>;

/** One process that runs, from its readiness to its end. */
export interface RunningChild {
  readonly pid: number;
  /** Resolves when it has ended, with what is known of why. */
  readonly ended: Promise<string>;
  send(message: object): void;
  /** SIGTERM, and SIGKILL after `patienceMs`. */
  stop(patienceMs: number): Promise<void>;
}

/** Starts a composition root, and resolves when it says that it is ready. Throws when it ends or takes too long. */
export async function startChild(options: ChildOptions): Promise<RunningChild> {
  const log = openLogFile(options.logDirectory, options.name);
  const child = launch(options, log.fd);
  const ended = new Promise<string>((settle) => {
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, signal) => settle(signal ? `ended by ${signal}` : `ended with ${code}`));
  });
  ended.finally(() => log[Symbol.dispose]()).catch(() => undefined);
  const reply: Reply = (message, socket) => {
    const sent = Promise.withResolvers<void>();
    // Who is gone needs no answer.
    child.send(message, socket, {}, () => sent.resolve());
    return sent.promise;
  };
  for (const greeting of options.greetings ?? []) child.send(greeting);
  const ready = new Promise<'ready'>((settle) => {
    child.on('message', (message) => {
      const parsed = fromChildSchema.safeParse(message);
      if (!parsed.success) return;
      options.onMessage?.(parsed.data, reply);
      if (parsed.data.type === 'ready') settle('ready');
    });
  });
  const patience = new AbortController();
  const outcome = await Promise.race([
    ready,
    ended,
    wait(options.readinessMs, `was not ready after ${options.readinessMs / 1000} s`, { signal: patience.signal }),
  ]);
  patience.abort();
  const pid = options.unit === undefined || outcome !== 'ready' ? child.pid : await mainPidOf(options.unit.name);
  const running = wrap(child, ended, pid, options.unit?.name ?? null);
  if (outcome !== 'ready') {
    await running.stop(2000);
    throw new Error(`${options.name} ${outcome}; see ${log.path}`);
  }
  try {
    await options.settle?.(running.pid);
  } catch (error) {
    await running.stop(2000);
    throw error;
  }
  return running;
}

function launch({ command, cwd, environment, outlives, unit }: ChildOptions, log: number): ChildProcess {
  if (unit) return launchUnit({ unit: unit.name, options: unit.options, command, cwd, environment, log });
  const [program, ...programArguments] = command;
  return spawn(program, programArguments, {
    cwd,
    env: environment,
    // Logs go straight to the file: a pipe would break when this process dies, and with it who outlives it.
    stdio: ['ignore', log, log, 'ipc'],
    detached: outlives,
  });
}

function wrap(child: ChildProcess, ended: Promise<string>, pid: number | undefined, unit: string | null): RunningChild {
  // What was started is systemd-run, and the process that counts is systemd's.
  const signal = async (name: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (unit === null) child.kill(name);
    else await signalUnit(unit, name);
  };
  return {
    pid: pid ?? 0,
    ended,
    send(message) {
      if (child.connected) child.send(message);
    },
    async stop(patienceMs) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      await signal('SIGTERM');
      const patience = new AbortController();
      const late = await Promise.race([
        once(child, 'exit', { signal: patience.signal }).then(() => false),
        wait(patienceMs, true, { signal: patience.signal }),
      ]);
      patience.abort();
      if (!late) return;
      await signal('SIGKILL');
      await ended;
    },
  };
}
