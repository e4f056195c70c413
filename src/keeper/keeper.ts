import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Clock, systemClock } from '#base/clock.ts';
import { parseId, type TerminalId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { type Handlers, withPayload } from '#channel/serve.ts';
import type { KeeperConfig } from '#config/process.ts';
import { CasemateError } from '#contract/errors.ts';
import type { keeperMethods } from '#contract/keeper.ts';
import { recordingHeaderBytes } from '#contract/recording.ts';
import type { Journal } from '#journal/journal.ts';
import { createGate } from '#keeper/gate.ts';
import { endHolder, findHolders } from '#keeper/holder.ts';
import { createRecordedBytes } from '#keeper/recorded-bytes.ts';
import { createRecording, type RecordingWriter, resumeRecording } from '#keeper/recording-writer.ts';
import { openSpool } from '#keeper/spool.ts';
import { createTeamBudgets } from '#keeper/team-budgets.ts';
import { createTerminal, type Terminal } from '#keeper/terminal.ts';
import { readTerminalState, type TerminalState, writeTerminalState } from '#keeper/terminal-state.ts';
import { createEpoll } from '#kernel/epoll.ts';
import { createChunkSealer } from '#seal/chunk.ts';

/** Writes and syncs of recordings under way at once: libuv has four threads, and one must stay free for the rest. */
const diskPlaces = 2;

export interface KeeperOptions {
  readonly config: KeeperConfig;
  readonly journal: Journal;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface Keeper extends AsyncDisposable {
  readonly handlers: Handlers<typeof keeperMethods>;
  /** Rejects when the keeper cannot go on; resolves after it was closed. */
  readonly running: Promise<void>;
  /** Seals and syncs what is there and lets go of the terminals, which live on for the next keeper. */
  close(): Promise<void>;
}

/** Throws `invalid_request` for a key that nothing can be sealed to. */
function requireUsableKey(publicKey: Buffer): void {
  try {
    createChunkSealer(publicKey);
  } catch (error) {
    throw new CasemateError('invalid_request', 'The recording key is not a usable X25519 public key', { cause: error });
  }
}

/** Takes up the terminals of the keeper before it, and serves. */
export function createKeeper({ config, journal, log, clock = systemClock }: KeeperOptions): Keeper {
  const epoll = createEpoll();
  const disk = createGate(diskPlaces);
  const { recordingsDirectory } = config;
  const budgets = createTeamBudgets({ ...config, recordedBytes: createRecordedBytes(recordingsDirectory), log });
  const terminals = new Map<TerminalId, Terminal>();
  const consoleDirectory = path.join(config.runDirectory, 'console');
  mkdirSync(consoleDirectory, { recursive: true, mode: 0o700 });

  const note = (kind: string, data: Record<string, string | number | boolean | null>): void => {
    try {
      journal.append(kind, data);
    } catch (error) {
      log.error({ err: error, kind }, 'the journal takes no more');
    }
  };
  const recordingOf = (terminalId: TerminalId) => ({
    file: path.join(config.recordingsDirectory, `${terminalId}.rec`),
    disk,
    onSyncFailure: (error: unknown) => {
      log.error({ err: error, terminalId }, 'a recording could not be synced');
      note('recording.sync-failed', { terminalId });
    },
  });
  const start = (state: TerminalState, writer: RecordingWriter): void => {
    const { terminalId } = state;
    const directory = path.join(config.spoolDirectory, terminalId);
    const terminal = createTerminal({
      epoll,
      clock,
      log,
      consoleDirectory,
      holders: { program: config.holderProgram, spoolDirectory: config.spoolDirectory },
      directory,
      state,
      spool: openSpool(directory),
      writer,
      budgets,
      note,
      makeRoom: () => {
        for (const each of terminals.values()) each.giveRoom();
      },
      onForgotten: () => terminals.delete(terminalId),
    });
    terminals.set(terminalId, terminal);
  };
  const headerOf = (state: TerminalState) => ({
    terminalId: state.terminalId,
    teamId: state.teamId,
    publicKey: Buffer.from(state.recordingPublicKey, 'base64'),
    createdMs: state.createdMs,
  });
  const takeUp = (terminalId: TerminalId, found: ReturnType<typeof findHolders>): void => {
    const directory = path.join(config.spoolDirectory, terminalId);
    const known = readTerminalState(directory);
    const holder = found.get(terminalId);
    if (!known) {
      // The keeper died while it opened this terminal, before anything could be in it.
      rmSync(directory, { recursive: true });
      return;
    }
    // The keeper may have died before it noted the holder.
    const adopted = known.phase !== 'closing' && known.holder === null && holder;
    const state: TerminalState = adopted ? { ...known, phase: 'live', holder } : known;
    if (adopted) writeTerminalState(directory, state);
    const where = recordingOf(terminalId);
    const begun = existsSync(where.file) && statSync(where.file).size >= recordingHeaderBytes;
    if (!begun) rmSync(where.file, { force: true });
    const writer = begun ? resumeRecording(where) : createRecording(where, headerOf(state));
    start(state, writer);
    log.info({ terminalId, phase: state.phase, sealed: writer.offset }, 'a terminal was taken up');
  };
  const takeUpAll = (): void => {
    const found = findHolders(config.spoolDirectory, log);
    for (const name of readdirSync(config.spoolDirectory)) {
      const terminalId = parseId<TerminalId>(name);
      if (!terminalId) continue;
      try {
        takeUp(terminalId, found);
      } catch (error) {
        // Left as it is, holder and spool included, for the operator: guessing would harm the evidence.
        log.error({ err: error, terminalId }, 'a terminal could not be taken up');
        note('terminal.refused', { terminalId });
      }
      found.delete(terminalId);
    }
    for (const holder of found.values()) endHolder(holder);
  };
  const known = (terminalId: TerminalId): Terminal => {
    const terminal = terminals.get(terminalId);
    if (!terminal) throw new CasemateError('not_found', 'There is no such terminal');
    return terminal;
  };
  const open = (state: TerminalState): void => {
    const { terminalId, teamId } = state;
    const where = recordingOf(terminalId);
    const directory = path.join(config.spoolDirectory, terminalId);
    if (terminals.has(terminalId) || existsSync(where.file) || existsSync(directory)) {
      throw new CasemateError('already_exists', 'This terminal was opened already');
    }
    budgets.requireRoom(teamId);
    journal.append('terminal.open', { terminalId, teamId });
    try {
      mkdirSync(directory, { mode: 0o700 });
      writeTerminalState(directory, state);
      start(state, createRecording(where, headerOf(state)));
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      throw new CasemateError('no_space', 'There is no room to record a terminal. None was opened.', { cause: error });
    }
  };

  const handlers: Handlers<typeof keeperMethods> = {
    'keeper.health': async () => ({ terminals: terminals.size }),
    'terminal.open': async ({ terminalId, teamId, recordingPublicKey, size }) => {
      requireUsableKey(Buffer.from(recordingPublicKey, 'base64'));
      const now = clock.now();
      open({
        terminalId,
        teamId,
        recordingPublicKey,
        createdMs: now,
        phase: 'waiting',
        size,
        holder: null,
        marks: [{ number: 0, offset: 0, timeMs: now, what: size }],
        nextMark: 1,
        exit: null,
        exitMarked: false,
      });
      return {};
    },
    'terminal.read': async ({ terminalId, ...request }, { signal }) => {
      const { bytes, end, ended, stall } = await known(terminalId).read(request, signal);
      return withPayload({ offset: request.offset, end, ended, stall }, bytes);
    },
    'terminal.follow': async ({ terminalId, ...from }, { send, signal }) => {
      await known(terminalId).follow(from, send, signal);
      return {};
    },
    'terminal.input': async ({ terminalId }, { payload }) => {
      known(terminalId).input(payload);
      return {};
    },
    'terminal.resize': async ({ terminalId, size }) => {
      known(terminalId).resize(size);
      return {};
    },
    'terminal.exited': async ({ terminalId, exit }) => {
      known(terminalId).exited(exit);
      return {};
    },
    'terminal.close': async ({ terminalId }) => {
      await known(terminalId).close();
      return {};
    },
    'terminal.list': async () => ({ terminals: [...terminals.values()].map((terminal) => terminal.describe()) }),
    'journal.read': (request, { signal }) => journal.read(request, signal),
  };

  takeUpAll();
  const running = epoll.run();
  const close = async (): Promise<void> => {
    await Promise.all([...terminals.values()].map((terminal) => terminal.suspend()));
    budgets[Symbol.dispose]();
    epoll[Symbol.dispose]();
    await running;
  };
  return { handlers, running, close, [Symbol.asyncDispose]: close };
}
