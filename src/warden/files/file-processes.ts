import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TeamId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { CasemateError } from '#contract/errors.ts';
import { duplicate } from '#kernel/duplicate.ts';
import { type FileProcess, startFileProcess } from '#warden/files/file-process.ts';
import type { GuestRoot } from '#warden/files/file-work.ts';

/** A sandbox's root, and whose it is. */
export interface TeamRoot extends Omit<GuestRoot, 'ids'> {
  readonly teamId: TeamId;
}

export interface FileProcessesOptions {
  readonly emptyDirectory: string;
  readonly stallMs: number;
  /** Processes at once, of all and of one team. */
  readonly maximum: number;
  readonly maximumPerTeam: number;
  readonly log: Log;
}

interface Temporary {
  readonly path: string;
  readonly temporaryName: string;
}

/** The file processes of all sandboxes, at most one for each. */
export interface FileProcesses extends AsyncDisposable {
  /** Lets `act` use the sandbox's process, which is started if need be. `ended` aborts when the sandbox is stopped. */
  use<Result>(root: TeamRoot, act: (process: FileProcess, ended: AbortSignal) => Promise<Result>): Promise<Result>;
  /** A write whose process was killed: the next process of the sandbox takes its file away. */
  leftBehind(root: TeamRoot, temporary: Temporary): void;
  /** Breaks off what is under way in the sandbox of a uid range. Throws `sandbox_failed` when its process cannot die. */
  end(firstUid: number): Promise<void>;
}

interface Place {
  readonly teamId: TeamId;
  readonly acts: Set<{ readonly ending: AbortController; readonly done: Promise<unknown> }>;
  readonly temporaries: Temporary[];
  process: FileProcess | undefined;
  idleTimer: NodeJS.Timeout | undefined;
  usedMs: number;
}

/** Calls about files that one sandbox may have under way. */
const maximumActs = 16;
const maximumTemporaries = 64;
/** An idle process holds memory and, by its root, the sandbox's disks. */
const idleMs = 30_000;
const politeMs = 2000;
/** A killed process whose disk hangs cannot die before the disk answers. */
const deathMs = 10_000;

export function createFileProcesses(options: FileProcessesOptions): FileProcesses {
  const places = new Map<number, Place>();

  const stop = async (place: Place): Promise<void> => {
    clearTimeout(place.idleTimer);
    place.process?.kill();
    await place.process?.ended;
  };
  /** Makes room for one more process of the team, by ending the one that has been idle for longest. */
  const makeRoom = (teamId: TeamId): void => {
    const running = [...places.values()].filter(({ process }) => process !== undefined);
    const ofTeam = running.filter((place) => place.teamId === teamId);
    const crowded =
      ofTeam.length >= options.maximumPerTeam ? ofTeam : running.length >= options.maximum ? running : undefined;
    if (!crowded) return;
    const idle = crowded.filter(({ acts }) => acts.size === 0).toSorted((one, other) => one.usedMs - other.usedMs)[0];
    if (!idle) throw new CasemateError('rate_limited', 'Work on files runs in too many sandboxes at once. Try again.');
    clearTimeout(idle.idleTimer);
    idle.process?.kill();
  };
  const processOf = (place: Place, root: TeamRoot): FileProcess => {
    if (place.process?.lost) {
      throw new CasemateError('unavailable', 'The last work on these files has not ended yet. Try again.');
    }
    if (place.process) return place.process;
    makeRoom(root.teamId);
    const process = startFileProcess({ ...options, root });
    place.process = process;
    process.ended
      .then(() => {
        if (place.process === process) place.process = undefined;
      })
      .catch(() => undefined);
    for (const { path, temporaryName } of place.temporaries.splice(0)) {
      // Gone with its directory, or never made: either is well.
      process.ask({ act: 'removeTemporary', path, temporaryName }).catch(() => undefined);
    }
    return process;
  };
  const rest = (place: Place, firstUid: number): void => {
    place.usedMs = performance.now();
    if (place.acts.size > 0) return;
    clearTimeout(place.idleTimer);
    place.idleTimer = setTimeout(() => {
      if (place.acts.size > 0) return;
      stop(place).then(
        () => {
          if (place.acts.size === 0 && places.get(firstUid) === place && place.temporaries.length === 0) {
            places.delete(firstUid);
          }
        },
        () => undefined,
      );
    }, idleMs);
    place.idleTimer.unref();
  };

  return {
    use: async (root, act) => {
      const { firstUid, teamId } = root;
      const place: Place = places.get(firstUid) ?? {
        ...{ teamId, acts: new Set(), temporaries: [] },
        ...{ process: undefined, idleTimer: undefined, usedMs: 0 },
      };
      if (place.acts.size >= maximumActs) {
        throw new CasemateError('rate_limited', 'Too many file operations run in this sandbox. Try again.');
      }
      places.set(firstUid, place);
      const ending = new AbortController();
      // The sandbox may end meanwhile, and the number of its descriptor pass to another's.
      const held = { ...root, rootFd: duplicate(root.rootFd) };
      const perform = async () => {
        // One that was killed a moment ago is waited for: its successor must not meet it.
        if (place.process?.lost) await Promise.race([place.process.ended, sleep(politeMs)]);
        ending.signal.throwIfAborted();
        return act(processOf(place, held), ending.signal);
      };
      const done = perform().finally(() => {
        closeSync(held.rootFd);
        place.acts.delete(one);
        rest(place, firstUid);
      });
      const one = { ending, done };
      place.acts.add(one);
      return done;
    },
    leftBehind(root, temporary) {
      const place = places.get(root.firstUid);
      if (place && place.temporaries.length < maximumTemporaries) place.temporaries.push(temporary);
    },
    async end(firstUid) {
      const place = places.get(firstUid);
      if (!place) return;
      const acts = [...place.acts];
      for (const { ending } of acts) ending.abort(new CasemateError('cancelled', 'The sandbox was stopped.'));
      // Each takes away what it has written so far, if its disk answers.
      await Promise.race([Promise.allSettled(acts.map(({ done }) => done)), sleep(politeMs)]);
      const dead = await Promise.race([stop(place).then(() => true), sleep(deathMs).then(() => false)]);
      if (!dead) throw new CasemateError('sandbox_failed', 'The disk of the sandbox hangs; its end must wait for it.');
      await Promise.allSettled(acts.map(({ done }) => done));
      clearTimeout(place.idleTimer);
      places.delete(firstUid);
    },
    async [Symbol.asyncDispose]() {
      const all = Promise.allSettled([...places.values()].map(stop));
      await Promise.race([all, sleep(deathMs, undefined, { ref: false })]);
    },
  };
}
