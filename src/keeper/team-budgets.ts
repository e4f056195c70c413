import { statfs } from 'node:fs/promises';
import type { TeamId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import type { KeeperConfig } from '#config/process.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Stall } from '#contract/keeper.ts';
import type { RecordedBytes } from '#keeper/recorded-bytes.ts';
import { createTokenBucket, type TokenBucket } from '#keeper/token-bucket.ts';

/** How much a team may record, in all and a second, so that one cannot take the disk or the time of others (H16). */
export interface TeamBudgets extends Disposable {
  /** False while the team's programs have to wait. */
  mayRecord(teamId: TeamId): boolean;
  recorded(teamId: TeamId, bytes: number): void;
  /** Throws `quota_exceeded` or `no_space` when a new terminal of the team could record nothing. */
  requireRoom(teamId: TeamId): void;
  /** Why the team's programs wait, for who looks at them; a rate that is hit for a moment is not worth a word. */
  stallOf(teamId: TeamId): Exclude<Stall, 'disk'> | null;
  /** Calls `wake` when the team may go on, and when its stall changes, until the answer is called. */
  join(teamId: TeamId, wake: () => void): () => void;
}

export interface TeamBudgetOptions extends Pick<KeeperConfig, 'teamBudget' | 'reserveMiB' | 'recordingsDirectory'> {
  readonly recordedBytes: RecordedBytes;
  readonly log: Log;
  /** Milliseconds of a clock that only goes on. */
  readonly now?: () => number;
}

const tickMs = 50;
const reserveEveryMs = 1000;
const recountEveryMs = 3000;
/** A rate that is hit for longer than this is told. */
const tellAfterMs = 1000;

interface Team {
  readonly bucket: TokenBucket;
  readonly members: Set<() => void>;
  used: number;
  /** Somebody was told to wait, and has not been woken since. */
  waiting: boolean;
  told: Exclude<Stall, 'disk'> | null;
}

export function createTeamBudgets(options: TeamBudgetOptions): TeamBudgets {
  const { teamBudget, reserveMiB, recordingsDirectory, recordedBytes, log, now = () => performance.now() } = options;
  const teams = new Map<TeamId, Team>();
  const counted = recordedBytes.count();
  let low = false;
  let recorded = 1;
  let countedAt = now();
  let tick: NodeJS.Timeout | undefined;

  const teamOf = (teamId: TeamId): Team => {
    const known = teams.get(teamId);
    if (known) return known;
    const { bytesPerSecond, burstBytes } = teamBudget;
    const made: Team = {
      bucket: createTokenBucket({ perSecond: bytesPerSecond, burst: burstBytes, now }),
      members: new Set(),
      used: counted.get(teamId) ?? 0,
      waiting: false,
      told: null,
    };
    teams.set(teamId, made);
    return made;
  };
  const isFull = (team: Team): boolean => team.used >= teamBudget.totalBytes;
  const mayGoOn = (team: Team): boolean => !low && !isFull(team) && team.bucket.mayTake();
  const reasonOf = (team: Team): Team['told'] => {
    if (low) return 'reserve';
    if (isFull(team)) return 'budget';
    return team.bucket.limitedForMs() > tellAfterMs ? 'rate' : null;
  };
  /** Each in its turn is the first, because the first may take all that there is. */
  const wake = (team: Team): void => {
    const [first] = team.members;
    for (const member of [...team.members]) member();
    if (!first || !team.members.delete(first)) return;
    team.members.add(first);
  };
  const watch = (): void => {
    tick ??= setInterval(look, tickMs);
  };
  const look = (): void => {
    let busy = false;
    for (const [teamId, team] of teams) {
      const goesOn = team.waiting && mayGoOn(team);
      if (goesOn) team.waiting = false;
      const reason = reasonOf(team);
      if (reason !== team.told)
        log.info({ teamId, reason, before: team.told }, 'the recordings of a team wait, or go on');
      const changed = reason !== team.told;
      team.told = reason;
      if (goesOn || changed) wake(team);
      if (team.waiting || team.bucket.limitedForMs() > 0) busy = true;
    }
    if (busy) return;
    clearInterval(tick);
    tick = undefined;
  };
  const recount = (): void => {
    countedAt = now();
    const counts = recordedBytes.count();
    for (const [teamId, team] of teams) team.used = counts.get(teamId) ?? 0;
  };
  const lookAtDisk = async (): Promise<void> => {
    const full = [...teams.values()].some(isFull);
    if (recorded > 0 || low) {
      recorded = 0;
      const { bavail, bsize } = await statfs(recordingsDirectory);
      low = bavail * bsize < reserveMiB * 1_048_576;
    }
    if (full && now() - countedAt >= recountEveryMs) recount();
    look();
  };
  const disk = setInterval(() => {
    lookAtDisk().catch((error: unknown) => log.error({ err: error }, 'the room for recordings could not be looked at'));
  }, reserveEveryMs);
  disk.unref();

  return {
    mayRecord(teamId) {
      const team = teamOf(teamId);
      if (mayGoOn(team)) return true;
      team.waiting = true;
      watch();
      return false;
    },
    recorded(teamId, bytes) {
      const team = teamOf(teamId);
      team.bucket.take(bytes);
      team.used += bytes;
      recorded += bytes;
    },
    requireRoom(teamId) {
      if (low) {
        throw new CasemateError(
          'no_space',
          'The server has too little free disk space to record a terminal. None was opened.',
        );
      }
      if (!isFull(teamOf(teamId))) return;
      throw new CasemateError(
        'quota_exceeded',
        'The recordings of the team fill their budget, so no terminal was opened. Ask the operator for a larger one.',
        { detail: { limit: teamBudget.totalBytes } },
      );
    },
    stallOf: (teamId) => teamOf(teamId).told,
    join(teamId, member) {
      const { members } = teamOf(teamId);
      members.add(member);
      return () => members.delete(member);
    },
    [Symbol.dispose]() {
      clearInterval(disk);
      clearInterval(tick);
    },
  };
}
