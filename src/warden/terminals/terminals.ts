import { closeSync } from 'node:fs';
import { access, readdir, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseId, type SandboxId, type TerminalId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import type { TerminalSize } from '#contract/common.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Exit, WardenEvent } from '#contract/warden.ts';
import { pidfdOpen, pidfdSignal, signalGroup } from '#kernel/pidfd.ts';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import type { ExitWatch } from '#warden/processes/exit-watch.ts';
import { markProcess, openMarked } from '#warden/processes/process-mark.ts';
import type { RuntimeProcess } from '#warden/runtimes/runtime.ts';
import type { LiveSandbox } from '#warden/sandboxes/live-sandbox.ts';
import { terminalRecordSchema } from '#warden/sandboxes/sandbox-record.ts';
import { placeRecord, readPlacedRecord } from '#warden/write-record.ts';

export interface TerminalsOptions {
  /** Where the keeper listens for each terminal's master. */
  readonly consoleDirectory: string;
  readonly groups: ControlGroups;
  readonly exits: ExitWatch;
  readonly log: Log;
  readonly announce: (event: WardenEvent) => void;
}

export interface TerminalState {
  readonly terminalId: TerminalId;
  readonly sandboxId: SandboxId;
  readonly running: boolean;
  readonly exit: Exit | null;
}

/** The terminals of all sandboxes. Their bytes never pass through here. */
export interface Terminals {
  start(
    sandbox: LiveSandbox,
    terminalId: TerminalId,
    process: Omit<RuntimeProcess, 'user'>,
    size: TerminalSize,
  ): Promise<void>;
  /** SIGHUP, then SIGKILL after two seconds. Succeeds when it has ended already. */
  kill(sandbox: LiveSandbox, terminalId: TerminalId): Promise<void>;
  /** What runs, and what ended since this was last asked. */
  list(): TerminalState[];
  /** Takes over the terminals that an earlier warden started in `sandbox`. */
  adopt(sandbox: LiveSandbox): Promise<void>;
}

interface Running {
  readonly sandboxId: SandboxId;
  readonly pid: number;
  readonly group: string;
  readonly ended: Promise<void>;
}

const SIGHUP = 1;
const SIGKILL = 9;
const SIGCONT = 18;
const hangUpMs = 2000;

export function createTerminals(options: TerminalsOptions): Terminals {
  const { groups, exits, log } = options;
  const running = new Map<TerminalId, Running>();
  const finished: TerminalState[] = [];

  const follow = (sandbox: LiveSandbox, terminalId: TerminalId, pid: number, pidfd: number): void => {
    const { sandboxId } = sandbox.record;
    const group = groups.gather(sandbox.runtimeSandbox.cgroup, `terminal-${terminalId}`, pid);
    const finish = async (): Promise<void> => {
      const exit = await exits.ended(pidfd);
      closeSync(pidfd);
      running.delete(terminalId);
      await end(sandbox, terminalId, exit, group);
    };
    const ended = finish().catch((error: unknown) =>
      log.error({ err: error, terminalId }, 'the end of a terminal could not be observed'),
    );
    running.set(terminalId, { sandboxId, pid, group, ended });
  };

  const end = async (sandbox: LiveSandbox, terminalId: TerminalId, exit: Exit, group: string): Promise<void> => {
    const { sandboxId } = sandbox.record;
    finished.push({ terminalId, sandboxId, running: false, exit });
    options.announce({ type: 'terminal.exited', terminalId, exit });
    // A terminal takes with it what it started in the background, as closing a window would.
    await groups.kill(group);
    groups.discard(group);
    await rm(sandbox.paths.terminal(terminalId), { force: true });
  };

  return {
    async start(sandbox, terminalId, process, size) {
      if (running.has(terminalId)) throw new CasemateError('already_exists', 'The terminal runs already.');
      const consoleSocket = `${options.consoleDirectory}/${terminalId}`;
      await access(consoleSocket).catch(() => {
        throw new CasemateError('conflict', 'The terminal has not been opened for recording.');
      });
      groups.announceMove();
      const { sandboxId } = sandbox.record;
      const file = sandbox.paths.terminal(terminalId);
      const record = { terminalId, sandboxId, process: null, exit: null };
      placeRecord(file, record);
      try {
        const streams = { consoleSocket, ...size };
        const pid = await sandbox.runtime.execute(sandbox.runtimeSandbox, { ...process, user: 'user' }, streams);
        const pidfd = pidfdOpen(pid);
        try {
          placeRecord(file, { ...record, process: markProcess(pid) });
          follow(sandbox, terminalId, pid, pidfd);
        } catch (error) {
          pidfdSignal(pidfd, SIGKILL);
          closeSync(pidfd);
          throw error;
        }
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },

    async kill(sandbox, terminalId) {
      const terminal = running.get(terminalId);
      if (!terminal || terminal.sandboxId !== sandbox.record.sandboxId) return;
      for (const signal of [SIGHUP, SIGCONT]) signalGroup(terminal.pid, signal);
      await Promise.race([terminal.ended, sleep(hangUpMs)]);
      if (running.get(terminalId) === terminal) await groups.kill(terminal.group);
      await terminal.ended;
    },

    list: () => [
      ...[...running].map(([terminalId, { sandboxId }]) => ({ terminalId, sandboxId, running: true, exit: null })),
      ...finished.splice(0),
    ],

    async adopt(sandbox) {
      for (const name of await readdir(sandbox.paths.terminals)) {
        const terminalId = parseId<TerminalId>(name.replace(/\.json$/, ''));
        const record = terminalId && (await readPlacedRecord(sandbox.paths.terminal(terminalId), terminalRecordSchema));
        if (!record) continue;
        const pidfd = record.process ? openMarked(record.process) : undefined;
        if (record.process && pidfd !== undefined) {
          follow(sandbox, record.terminalId, record.process.pid, pidfd);
          continue;
        }
        const group = `${sandbox.runtimeSandbox.cgroup}/terminal-${record.terminalId}`;
        await end(sandbox, record.terminalId, record.exit ?? { exitCode: null, signal: null }, group);
      }
    },
  };
}
