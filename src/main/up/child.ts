import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { nodeFlags } from '#config/process-memory.ts';
import { type FromChild, fromChildSchema } from '#contract/supervision.ts';
import { openLogFile } from '#main/up/log-file.ts';
import type { Identity } from '#main/up/users.ts';

export interface ChildOptions {
  readonly name: string;
  /** The file of the release that starts it, and its configuration. */
  readonly entry: string;
  readonly configFile: string;
  readonly cwd: string;
  readonly identity: Identity;
  readonly logDirectory: string;
  /** Keeps working when this process dies. */
  readonly outlives: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly readinessMs: number;
  readonly onMessage?: (message: FromChild, reply: Reply) => void;
  /** Told before anything else. */
  readonly greetings?: readonly object[];
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

/** Starts a composition root as its user, and resolves when it says that it is ready. Throws when it ends or takes too long. */
export async function startChild(options: ChildOptions): Promise<RunningChild> {
  const log = openLogFile(options.logDirectory, options.name);
  const child = spawn(
    'setpriv',
    [...privileges(options), process.execPath, ...nodeFlags, options.entry, options.configFile],
    {
      cwd: options.cwd,
      env: options.environment,
      // Logs go straight to the file: a pipe would break when this process dies, and with it who outlives it.
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      detached: options.outlives,
    },
  );
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
  const running = wrap(child, ended);
  if (outcome !== 'ready') {
    await running.stop(2000);
    throw new Error(`${options.name} ${outcome}; see ${log.path}`);
  }
  return running;
}

function privileges(options: ChildOptions): string[] {
  const { uid, gid } = options.identity;
  return [
    ...(uid === 0 ? [] : [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs']),
    ...(options.outlives ? [] : ['--pdeathsig=SIGTERM']),
    '--',
  ];
}

function wrap(child: ChildProcess, ended: Promise<string>): RunningChild {
  return {
    pid: child.pid ?? 0,
    ended,
    send(message) {
      if (child.connected) child.send(message);
    },
    async stop(patienceMs) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.kill('SIGTERM');
      const patience = new AbortController();
      const late = await Promise.race([
        once(child, 'exit', { signal: patience.signal }).then(() => false),
        wait(patienceMs, true, { signal: patience.signal }),
      ]);
      patience.abort();
      if (!late) return;
      child.kill('SIGKILL');
      await ended;
    },
  };
}
