import { setTimeout as wait } from 'node:timers/promises';

/** What a supervisor starts again and again: a process, or PostgreSQL. */
export interface Startable {
  readonly pid: number | undefined;
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export type State = 'starting' | 'ready' | 'waiting' | 'failed' | 'stopped';

export interface Supervised {
  readonly name: string;
  readonly state: State;
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Why it is not ready, in words. */
  readonly problem: string | null;
  /** Starts it for the first time; throws when that fails. Afterwards it is started again by itself. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const shortestMs = 250;
const longestMs = 30_000;
/** Having run for so long, a process is healthy again, and its next failure is a first one. */
const healthyMs = 60_000;
/** So many failures in a row, and a person has to look; the cause may pass by itself, as a full disk does. */
const mostFailures = 8;
const patientMs = 60_000;

export const backOffMs = (failures: number): number => Math.min(longestMs, shortestMs * 2 ** failures);

/** Aborted, it resolves: who waits looks at the signal. */
const sleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  wait(milliseconds, undefined, { signal }).catch(() => undefined);

/** Keeps one thing running: exponential back-off between starts, and a cap after which it says what is wrong. */
export function supervise(of: {
  readonly name: string;
  readonly start: () => Promise<Startable>;
  readonly say: (text: string) => void;
  readonly changed: () => void;
  /** Waits between starts; rejects or resolves early when aborted. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}): Supervised {
  const pause = of.pause ?? sleep;
  let state: State = 'stopped';
  let current: Startable | undefined;
  let restarts = 0;
  let problem: string | null = null;
  const stopping = new AbortController();

  const enter = (next: State, why: string | null): void => {
    state = next;
    problem = why;
    of.changed();
  };

  async function begin(): Promise<void> {
    enter('starting', problem);
    current = await of.start();
    enter('ready', null);
  }

  async function keepRunning(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      if (current) {
        const since = performance.now();
        const why = await current.ended;
        current = undefined;
        if (stopping.signal.aborted) return;
        if (performance.now() - since > healthyMs) failures = 0;
        enter('waiting', why);
        of.say(`${of.name} ${why}; starting it again`);
      }
      if (failures >= mostFailures) enter('failed', problem);
      if (failures === mostFailures) {
        of.say(`${of.name} failed ${failures} times in a row (${problem}). Everything else goes on.`);
        of.say(`Look at its log and mend it. It is tried again every minute, or by \`./casemate restart\`.`);
      }
      await pause(failures >= mostFailures ? patientMs : backOffMs(failures), stopping.signal);
      if (stopping.signal.aborted) return;
      failures += 1;
      restarts += 1;
      try {
        await begin();
        of.say(`${of.name} is ready again`);
      } catch (error) {
        enter('waiting', error instanceof Error ? error.message : String(error));
        of.say(`${of.name} could not start: ${problem}`);
      }
    }
  }

  return {
    name: of.name,
    get state() {
      return state;
    },
    get pid() {
      return current?.pid;
    },
    get restarts() {
      return restarts;
    },
    get problem() {
      return problem;
    },
    async start() {
      await begin();
      keepRunning().catch((error: unknown) => of.say(`${of.name}: the supervisor failed: ${String(error)}`));
    },
    async stop() {
      stopping.abort();
      await current?.stop();
      enter('stopped', null);
    },
  };
}
