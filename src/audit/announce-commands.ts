import { setTimeout as wait } from 'node:timers/promises';
import { mintId, parseId, type TeamId } from '#base/ids.ts';
import { isWardenCommand, wardenCommands, type WardenCommand } from '#contract/warden.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Database } from '#database/database.ts';
import { announceCommands, type AnnouncedCommand } from '#database/trail/command-store.ts';

/** Puts each command to the warden on record before it is given, so that its journal can be held against that (H5). */
export interface CommandAnnouncer extends AsyncDisposable {
  /**
   * For `connectChannel`: the parameters with the id under which the command is on record. Rejects
   * when that could not be, and then the command is not given. Acts that make safer do not wait.
   */
  prepare(method: string, parameters: unknown): Promise<unknown>;
  /**
   * The command of that id, while this process remembers that it gave it: one that makes safer may
   * not be on record yet, and a PostgreSQL that was killed may have lost the last announcements.
   */
  given(id: string): AnnouncedCommand | undefined;
  /** These were found in the journal: whoever sends their ids again did not announce that. */
  settled(ids: readonly string[]): void;
}

export interface AnnounceOptions {
  readonly database: Database;
  readonly random: (bytes: Uint8Array) => Uint8Array;
  readonly log: { warn(fields: object, message: string): void };
}

/** Never wait for the database (H8). */
const safer: ReadonlySet<WardenCommand> = new Set(['sandbox.kill', 'terminal.kill']);
const retryMs = 1000;
const maximumBatch = 200;
/** Commands that are remembered; of others, only the database knows. */
const maximumRemembered = 10_000;
/** Acts that make safer and are not on record, while the database is away; what is beyond it raises an alert later. */
const maximumQueue = 10_000;

interface Waiting {
  readonly command: AnnouncedCommand;
  readonly resolve: () => void;
  /** Absent for an act that makes safer: it is tried again until it is written. */
  readonly reject?: (reason: unknown) => void;
}

export function createCommandAnnouncer({ database, random, log }: AnnounceOptions): CommandAnnouncer {
  const queue: Waiting[] = [];
  const remembered = new Map<string, AnnouncedCommand>();
  const stop = new AbortController();
  let working: Promise<void> | undefined;

  const writeOne = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      await database.withJob('audit', (tx) =>
        announceCommands(
          tx,
          batch.map(({ command }) => command),
        ),
      );
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const one of batch) {
        if (one.reject) {
          remembered.delete(one.command.id);
          one.reject(error);
        } else if (!stop.signal.aborted) queue.push(one);
      }
      if (!queue.some(({ reject }) => !reject)) return;
      log.warn({ err: error }, 'commands that make safer were given and are not on record yet');
      await wait(retryMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const work = async (): Promise<void> => {
    while (queue.length > 0 && !stop.signal.aborted) await writeOne(queue.splice(0, maximumBatch));
    // In the same turn as the look at the queue: what comes after it begins anew.
    working = undefined;
    for (const { reject } of queue.splice(0)) reject?.(new CasemateError('unavailable', 'The server stops'));
  };
  const enqueue = (waiting: Waiting): void => {
    if (stop.signal.aborted) return waiting.reject?.(new CasemateError('unavailable', 'The server stops'));
    remembered.set(waiting.command.id, waiting.command);
    const [oldest] = remembered.keys();
    if (remembered.size > maximumRemembered && oldest !== undefined) remembered.delete(oldest);
    queue.push(waiting);
    working ??= work();
  };

  return {
    async prepare(method, parameters) {
      if (!isWardenCommand(method)) return parameters;
      const id = mintId<string>(random);
      const teamId = parseId<TeamId>((parameters as { teamId?: unknown }).teamId);
      // The warden refuses it, and so has nothing to journal.
      if (!teamId) return parameters;
      const command = { id, kind: wardenCommands[method], teamId };
      if (!safer.has(method)) await new Promise<void>((resolve, reject) => enqueue({ command, resolve, reject }));
      else if (queue.length < maximumQueue) enqueue({ command, resolve: () => undefined });
      return { ...(parameters as object), commandId: id };
    },
    given: (id) => remembered.get(id),
    settled(ids) {
      for (const id of ids) remembered.delete(id);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await working;
    },
  };
}
