import { closeSync, rmSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#channel/log.ts';
import type { TerminalSize } from '#contract/common.ts';
import { CasemateError } from '#contract/errors.ts';
import { type KeeperTerminal, type Stall, spoolBacklogBytes, spoolKeepBytes } from '#contract/keeper.ts';
import type { Exit } from '#contract/warden.ts';
import { createBell } from '#keeper/bell.ts';
import { type ConsoleSocket, openConsoleSocket } from '#keeper/console-socket.ts';
import { endHolder, type HeldDescriptors, openHolder, startHolder, takeFromHolder } from '#keeper/holder.ts';
import { guardHolder, type HolderGuard } from '#keeper/holder-guard.ts';
import { createInputQueue } from '#keeper/input-queue.ts';
import { type Pump, startPump } from '#keeper/pump.ts';
import { createRecorder } from '#keeper/recorder.ts';
import type { RecordingWriter } from '#keeper/recording-writer.ts';
import type { Spool } from '#keeper/spool.ts';
import type { TeamBudgets } from '#keeper/team-budgets.ts';
import { createTerminalReader, type TerminalReader } from '#keeper/terminal-reader.ts';
import { type Mark, type TerminalState, writeTerminalState } from '#keeper/terminal-state.ts';
import type { Epoll } from '#kernel/epoll.ts';
import { setNonblocking } from '#kernel/nonblocking.ts';
import { makePipe } from '#kernel/splice.ts';
import { setWindowSize } from '#kernel/winsize.ts';

/** How long `close` waits for a recording that the disk does not take. */
const closePatienceMs = 10_000;

export interface TerminalOptions {
  readonly epoll: Epoll;
  readonly clock: Clock;
  readonly log: Log;
  readonly consoleDirectory: string;
  readonly holders: Omit<Parameters<typeof startHolder>[0], 'terminalId' | 'held'>;
  /** `<spool directory>/<terminal id>`. */
  readonly directory: string;
  readonly state: TerminalState;
  readonly spool: Spool;
  readonly writer: RecordingWriter;
  readonly budgets: TeamBudgets;
  /** Notes what safety does not depend on: a full journal is logged, not thrown. */
  readonly note: (kind: string, data: Record<string, string | number | boolean | null>) => void;
  /** The spool is full: all terminals give room back. */
  readonly makeRoom: () => void;
  /** The terminal was closed and all of it is sealed; nothing of it is left but the recording. */
  readonly onForgotten: () => void;
}

export interface Terminal extends TerminalReader {
  describe(): KeeperTerminal;
  input(bytes: Uint8Array): void;
  resize(size: TerminalSize): void;
  exited(exit: Exit): void;
  close(): Promise<void>;
  /** Removes from the spool all that is sealed. */
  giveRoom(): void;
  /** Seals what is there and lets go; the next keeper takes the terminal up. */
  suspend(): Promise<void>;
}

export function createTerminal(options: TerminalOptions): Terminal {
  const { epoll, clock, log, directory, spool, writer, budgets, note } = options;
  const { terminalId, teamId } = options.state;
  let state = options.state;
  let pump: Pump | undefined;
  let console: ConsoleSocket | undefined;
  let guard: HolderGuard | undefined;
  let forgotten = false;
  let suspended = false;
  let unwritable = false;
  const input = createInputQueue();
  const bell = createBell();
  const leaveTeam = budgets.join(teamId, () => {
    pump?.resume();
    bell.ring();
  });
  const stalled = (): Stall | null => (unwritable ? 'disk' : budgets.stallOf(teamId));

  /** Persists a change. Marks that the recording has already are dropped with it. */
  const change = (changes: Partial<TerminalState>): void => {
    const next = { ...state, ...changes };
    next.marks = next.marks.filter((mark) => mark.number >= writer.marks);
    writeTerminalState(directory, next);
    state = next;
  };
  /** As `change`, where the world has changed already: what cannot be noted now is noted by the next change. */
  const follow = (changes: Partial<TerminalState>): void => {
    try {
      change(changes);
    } catch (error) {
      log.error({ err: error, terminalId }, 'the state of a terminal could not be noted');
      state = { ...state, ...changes };
    }
  };
  const ended = (): boolean => (state.phase === 'over' || state.phase === 'closing') && writer.offset === spool.end;

  const recorder = createRecorder({
    spool,
    writer,
    clock,
    marks: state.marks,
    onSealed: () => {
      spool.trim(writer.offset - spoolKeepBytes);
      pump?.resume();
      if (ended()) bell.ring();
      if (state.phase === 'closing' && !pump && recorder.complete) void forget();
    },
    onFailure: (error) => {
      unwritable = true;
      bell.ring();
      log.error({ err: error, terminalId }, 'a recording cannot be written; its program waits when the spool is full');
      note('terminal.stall', { terminalId, teamId, reason: 'recording', sealed: writer.offset, end: spool.end });
    },
    onRecovered: () => {
      unwritable = false;
      bell.ring();
      log.info({ terminalId }, 'a recording is written again');
      note('terminal.resume', { terminalId, teamId, reason: 'recording', sealed: writer.offset, end: spool.end });
    },
  });

  const markWith = (what: Mark['what'], changes: Partial<TerminalState>, apply = change): void => {
    const mark: Mark = { number: state.nextMark, offset: spool.end, timeMs: clock.now(), what };
    apply({ ...changes, marks: [...state.marks, mark], nextMark: mark.number + 1 });
    recorder.mark(mark);
  };
  /** All output is in the spool: no program is left, or the terminal is being closed. */
  const hungUp = (): void => {
    pump = undefined;
    guard?.close();
    if (state.holder) endHolder(state.holder);
    const phase = state.phase === 'closing' ? 'closing' : 'over';
    if (phase !== state.phase || state.holder) follow({ phase, holder: null });
    const exit = state.exit ?? (phase === 'closing' ? { exitCode: null, signal: null } : undefined);
    if (exit && !state.exitMarked) markWith(exit, { exit, exitMarked: true }, follow);
    bell.ring();
    recorder.settle().catch((error: unknown) => log.error({ err: error, terminalId }, 'sealing failed'));
    if (phase === 'closing' && recorder.complete) void forget();
  };
  const live = (held: HeldDescriptors): void => {
    guard = guardHolder({
      epoll,
      log,
      terminalId,
      holder: state.holder,
      start: () => startHolder({ ...options.holders, terminalId, held }),
      onStarted: (holder) => follow({ holder }),
    });
    pump = startPump({
      epoll,
      held,
      spool,
      input,
      hooks: {
        mayGrow: () => spool.end - writer.offset < spoolBacklogBytes && budgets.mayRecord(teamId),
        arrived: (bytes) => {
          budgets.recorded(teamId, bytes);
          recorder.arrived(bytes);
          bell.ring();
        },
        makeRoom: options.makeRoom,
        blocked: (error) => {
          log.error({ err: error, terminalId }, 'the spool takes no more; the program waits');
          note('terminal.stall', { terminalId, teamId, reason: 'spool', sealed: writer.offset, end: spool.end });
        },
        recovered: () => {
          log.info({ terminalId }, 'the spool takes output again');
          note('terminal.resume', { terminalId, teamId, reason: 'spool', sealed: writer.offset, end: spool.end });
        },
        hungUp,
      },
    });
  };
  const onMaster = (master: number): void => {
    console = undefined;
    setNonblocking(master);
    setWindowSize(master, state.size);
    const { readEnd, writeEnd } = makePipe();
    follow({ phase: 'live' });
    live({ master, pipeRead: readEnd, pipeWrite: writeEnd });
  };
  const listen = (): void => {
    console = openConsoleSocket({ epoll, directory: options.consoleDirectory, terminalId, log, onMaster });
  };
  const adopt = (): void => {
    const pidfd = state.holder ? openHolder(state.holder) : undefined;
    const held = pidfd === undefined ? undefined : takeFromHolder(pidfd);
    if (pidfd !== undefined) closeSync(pidfd);
    if (held) {
      setWindowSize(held.master, state.size);
      return live(held);
    }
    log.error({ terminalId }, 'the holder of a terminal is gone, and the terminal with it');
    note('terminal.lost', { terminalId, teamId, end: spool.end });
    hungUp();
  };
  let forgetting: Promise<void> | undefined;
  const forget = (): Promise<void> => {
    forgetting ??= (async () => {
      await recorder.close();
      spool.close();
      rmSync(directory, { recursive: true, force: true });
      forgotten = true;
      leaveTeam();
      options.onForgotten();
      bell.ring();
    })();
    return forgetting;
  };

  if (state.phase === 'waiting') listen();
  else if (state.phase === 'live') adopt();
  else hungUp();

  const gone = () => (suspended ? 'unavailable' : forgotten ? 'not_found' : null);

  return {
    ...createTerminalReader({ spool, bell, gone, ended, stalled }),
    describe() {
      const phase = state.phase === 'closing' ? 'over' : state.phase;
      return {
        terminalId,
        teamId,
        spoolStart: spool.start,
        sealed: writer.offset,
        end: spool.end,
        state: phase === 'over' ? (ended() ? 'ended' : 'live') : phase,
      };
    },
    input(bytes) {
      if (state.phase !== 'waiting' && state.phase !== 'live') {
        throw new CasemateError('gone', 'The program of this terminal has ended');
      }
      input.push(bytes);
      pump?.sendInput();
    },
    resize(size) {
      if (size.columns === state.size.columns && size.rows === state.size.rows) return;
      if (state.phase !== 'waiting' && state.phase !== 'live') return;
      markWith(size, { size });
      pump?.resize(size);
    },
    exited(exit) {
      if (state.exit) return;
      note('terminal.exit', { terminalId, teamId, exitCode: exit.exitCode, signal: exit.signal });
      console?.poll();
      if (state.phase === 'waiting') {
        console?.close();
        console = undefined;
        change({ exit, phase: 'over' });
        hungUp();
      } else if (state.phase === 'live') change({ exit });
      else markWith(exit, { exit, exitMarked: true });
    },
    async close() {
      note('terminal.close', { terminalId, teamId });
      console?.close();
      console = undefined;
      follow({ phase: 'closing' });
      if (state.holder) {
        guard?.close();
        endHolder(state.holder);
      }
      if (pump) pump.finish();
      else hungUp();
      const deadline = performance.now() + closePatienceMs;
      while (!forgotten && performance.now() < deadline) await bell.wait(deadline - performance.now());
      if (!forgotten) {
        throw new CasemateError(
          'no_space',
          'The terminal is closed, but its recording cannot be written. What is left is kept and written when there is room.',
          { detail: { unsealedBytes: spool.end - writer.offset } },
        );
      }
    },
    giveRoom() {
      try {
        spool.trimHard(writer.offset);
      } catch (error) {
        log.debug({ err: error, terminalId }, 'the spool could not be trimmed');
      }
    },
    async suspend() {
      suspended = true;
      leaveTeam();
      console?.close();
      pump?.close();
      pump = undefined;
      guard?.close();
      await recorder.close();
      spool.close();
      bell.ring();
    },
  };
}
