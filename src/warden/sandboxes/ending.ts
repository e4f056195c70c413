import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '#base/clock.ts';
import type { SandboxId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Exit, Tier } from '#contract/warden.ts';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import type { Layout } from '#warden/layout.ts';
import type { Orphans } from '#warden/processes/orphans.ts';
import type { Runtime } from '#warden/runtimes/runtime.ts';
import type { SandboxRecord } from '#warden/sandboxes/sandbox-record.ts';
import { tearDown } from '#warden/sandboxes/teardown.ts';
import type { UidRanges } from '#warden/uid-ranges.ts';

export interface EndingOptions {
  readonly layout: Layout;
  readonly groups: ControlGroups;
  readonly ranges: UidRanges;
  readonly orphans: Orphans;
  readonly clock: Clock;
  readonly log: Log;
  readonly runtimeOf: (tier: Tier) => Runtime;
  readonly cgroupOf: (id: SandboxId) => string;
}

/** The two halves of a sandbox's end. Each may be asked again after it failed. */
export interface Ending {
  /** Kills every process and waits until the init is reaped: a zombie would hold the uid range. */
  kill(record: SandboxRecord, ended: Promise<Exit> | undefined): Promise<void>;
  /** Leaves nothing of what was made for it. No descriptor below its mounts may be open any more. */
  clean(record: SandboxRecord): Promise<void>;
}

const reapPatienceMs = 10_000;

export function createEnding(options: EndingOptions): Ending {
  const { layout, groups, ranges, orphans, clock, log, runtimeOf, cgroupOf } = options;

  /** An init ends only when all other processes of its namespace are reaped, and some of them are ours now. */
  const reaped = async ({ firstUid, sandboxId }: SandboxRecord, ended: Promise<Exit>): Promise<void> => {
    let done = false;
    const finished = ended.finally(() => {
      done = true;
    });
    const deadline = clock.now() + reapPatienceMs;
    while (!done) {
      orphans.reapRange(firstUid);
      await Promise.race([finished, sleep(10)]);
      if (!done && clock.now() > deadline) {
        log.error({ sandboxId }, 'the init of a killed sandbox does not end');
        throw new CasemateError('sandbox_failed', 'The sandbox was killed, but a process of it does not end.');
      }
    }
    await finished;
  };

  /** Keeps reaping while `act` waits for groups to become empty: a group holds its dead until then. */
  const reaping = async <Result>(firstUid: number, act: () => Promise<Result>): Promise<Result> => {
    const timer = setInterval(() => orphans.reapRange(firstUid), 10);
    try {
      return await act();
    } finally {
      clearInterval(timer);
    }
  };

  return {
    async kill(record, ended) {
      await reaping(record.firstUid, () => groups.kill(cgroupOf(record.sandboxId)));
      if (ended) await reaped(record, ended);
    },
    async clean(record) {
      const { sandboxId } = record;
      const complete = await reaping(record.firstUid, () =>
        tearDown({
          sandboxId,
          paths: layout.sandbox(sandboxId),
          cgroup: cgroupOf(sandboxId),
          runtime: runtimeOf(record.tier),
          groups,
          ranges,
          ownRange: record.workspaceId === null,
        }),
      );
      if (!complete) {
        log.error({ sandboxId }, 'something still has an id of a sandbox that is gone; its range is kept');
      }
    },
  };
}
