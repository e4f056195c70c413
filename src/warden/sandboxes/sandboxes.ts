import { closeSync, readdirSync } from 'node:fs';
import { access, rm } from 'node:fs/promises';
import { parseId, type SandboxId, type TeamId, type WorkspaceId } from '#base/ids.ts';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#channel/log.ts';
import type { WardenConfig } from '#config/process.ts';
import { doorAddress } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import { type Exit, type SandboxStatus, type Tier, type WardenEvent } from '#contract/warden.ts';
import type { BrokerChild } from '#warden/broker/broker-child.ts';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import { requireReserve } from '#warden/disk/disk-image.ts';
import type { ImageStock } from '#warden/disk/image-stock.ts';
import type { GuestFiles } from '#warden/files/guest-files.ts';
import type { Layout } from '#warden/layout.ts';
import type { NamespaceSockets } from '#warden/network/namespace-sockets.ts';
import type { ExitWatch } from '#warden/processes/exit-watch.ts';
import type { Orphans } from '#warden/processes/orphans.ts';
import { openMarked } from '#warden/processes/process-mark.ts';
import type { Runtime } from '#warden/runtimes/runtime.ts';
import { createEnding } from '#warden/sandboxes/ending.ts';
import { type LiveSandbox, pinSandbox, statusOf, unpinSandbox } from '#warden/sandboxes/live-sandbox.ts';
import { readOrEnd } from '#warden/sandboxes/end-unreadable.ts';
import type { SandboxRecord } from '#warden/sandboxes/sandbox-record.ts';
import { requireRoomAmong } from '#warden/sandboxes/room.ts';
import { createSandboxStarter, type SandboxRequest } from '#warden/sandboxes/start-sandbox.ts';
import { createTurns } from '#warden/sandboxes/turns.ts';
import type { UidRanges } from '#warden/uid-ranges.ts';

export interface SandboxesOptions {
  readonly config: WardenConfig;
  readonly layout: Layout;
  readonly runtimes: ReadonlyMap<Tier, Runtime>;
  readonly groups: ControlGroups;
  readonly ranges: UidRanges;
  readonly images: ImageStock;
  readonly sockets: NamespaceSockets;
  readonly exits: ExitWatch;
  readonly orphans: Orphans;
  readonly broker: BrokerChild;
  readonly files: GuestFiles;
  readonly clock: Clock;
  readonly log: Log;
  readonly announce: (event: WardenEvent) => void;
}

/** The sandboxes of this instance. Acts on one sandbox or one disk never overlap. */
export interface Sandboxes {
  create(request: SandboxRequest): Promise<SandboxStatus>;
  /** Throws `quota_exceeded` unless one more such sandbox may run. Nothing is done. */
  requireRoom(request: SandboxRequest): void;
  kill(sandboxId: SandboxId): Promise<void>;
  list(): SandboxStatus[];
  /** Throws `not_found` when it does not run. */
  live(sandboxId: SandboxId): LiveSandbox;
  deleteDisk(workspaceId: WorkspaceId): Promise<void>;
  /** Takes over what an earlier warden left: what runs goes on, the rest is cleaned away. */
  adopt(): Promise<readonly LiveSandbox[]>;
  /** Lets go of every descriptor; the sandboxes run on. */
  release(): void;
}

/** A sandbox on its way out, or one whose end failed and must be asked for again. */
interface Leaving {
  readonly record: SandboxRecord;
  readonly ended: Promise<Exit> | undefined;
  pinned: LiveSandbox | undefined;
  failed: boolean;
}

export function createSandboxes(options: SandboxesOptions): Sandboxes {
  const { config, layout, runtimes, groups, ranges, sockets, exits, broker, files, log } = options;
  const running = new Map<SandboxId, LiveSandbox>();
  const leaving = new Map<SandboxId, Leaving>();
  const ends = new Map<SandboxId, Promise<Exit>>();
  const starting = new Map<SandboxId, TeamId>();
  const inTurn = createTurns();
  let released = false;

  const cgroupOf = (id: SandboxId): string => `/casemate-${config.instance}/${id}`;
  const stateOf = (id: SandboxId): SandboxStatus['state'] => (groups.frozen(cgroupOf(id)) ? 'frozen' : 'running');
  const runtimeOf = (tier: Tier): Runtime => {
    const runtime = runtimes.get(tier);
    if (!runtime) throw new CasemateError('unavailable', 'This server has no runtime of that isolation tier.');
    return runtime;
  };
  const templateRoot = (template: string): string => `${config.templatesDirectory}/${template}/rootfs`;
  /** Whether anything of a workspace's disk may still be mounted. */
  const usesDisk = (workspaceId: WorkspaceId): boolean =>
    [...running.values(), ...leaving.values()].some(({ record }) => record.workspaceId === workspaceId);

  const openDoor = async (sandbox: LiveSandbox): Promise<void> => {
    const { sandboxId, teamId } = sandbox.record;
    broker.openDoor(sandboxId, teamId, await sockets.listen(sandbox.networkFd, doorAddress.port));
  };
  const onRemains = (record: SandboxRecord): void => {
    leaving.set(record.sandboxId, { record, ended: undefined, pinned: undefined, failed: true });
  };
  const ending = createEnding({ ...options, runtimeOf, cgroupOf });
  const closeDoor = (id: SandboxId): void => broker.closeDoor(id);
  const { start, runtimeSandboxOf } = createSandboxStarter({
    ...options,
    ...{ ending, runtimeOf, cgroupOf, templateRoot, openDoor, closeDoor, onRemains },
  });

  /** Until all of it has succeeded the sandbox stays known, and its workspace's disk taken. */
  const leave = async (one: Leaving, reason: string): Promise<void> => {
    const { record } = one;
    one.failed = false;
    try {
      broker.closeDoor(record.sandboxId);
      await ending.kill(record, one.ended);
      // Work on its files would hold the disk: mounted twice, an image is lost.
      await files.end(record.firstUid);
      if (one.pinned) unpinSandbox(one.pinned);
      one.pinned = undefined;
      await ending.clean(record);
    } catch (error) {
      one.failed = true;
      throw error;
    }
    leaving.delete(record.sandboxId);
    options.announce({ type: 'sandbox.stopped', sandboxId: record.sandboxId, reason });
  };

  const stop = async (sandbox: LiveSandbox, reason: string): Promise<void> => {
    const { record } = sandbox;
    if (running.get(record.sandboxId) !== sandbox) return;
    const one: Leaving = { record, ended: ends.get(record.sandboxId), pinned: sandbox, failed: false };
    leaving.set(record.sandboxId, one);
    running.delete(record.sandboxId);
    ends.delete(record.sandboxId);
    await leave(one, reason);
  };

  /** From here on the end of its init is noticed, and what is left of it cleaned away. */
  const watch = (sandbox: LiveSandbox): void => {
    const { sandboxId } = sandbox.record;
    const ended = exits.ended(sandbox.initPidfd);
    running.set(sandboxId, sandbox);
    ends.set(sandboxId, ended);
    ended
      .then(async () => {
        if (released || running.get(sandboxId) !== sandbox) return;
        log.warn({ sandboxId }, 'a sandbox ended by itself');
        await inTurn(sandboxId, () => stop(sandbox, 'The sandbox ended by itself.'));
      })
      .catch((error: unknown) => log.error({ err: error, sandboxId }, 'a sandbox could not be cleaned away'));
  };

  const requireRoom = (request: SandboxRequest): void => {
    if (running.has(request.sandboxId)) return;
    const others = [...running.values(), ...leaving.values()].map(({ record }) => record.teamId);
    requireRoomAmong([...starting.values(), ...others], request, config);
  };

  const create = async (request: SandboxRequest): Promise<SandboxStatus> => {
    const known = running.get(request.sandboxId);
    if (known) return statusOf(known.record, stateOf(request.sandboxId));
    if (leaving.has(request.sandboxId)) throw new CasemateError('conflict', 'The sandbox of that id is being removed.');
    if (!(await exists(templateRoot(request.template)))) {
      throw new CasemateError('not_found', 'This server has no template of that name.');
    }
    requireRoom(request);
    if (request.workspaceId !== null && usesDisk(request.workspaceId)) {
      throw new CasemateError('conflict', 'The workspace has a sandbox already.');
    }
    // Nothing is awaited since the count: creates that come together are counted one by one.
    starting.set(request.sandboxId, request.teamId);
    try {
      await requireReserve(config.stateDirectory, config.reserveMiB);
      const sandbox = await start(request);
      watch(sandbox);
      return statusOf(sandbox.record, 'running');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      const message = 'The server has no disk space for another sandbox. Nothing was kept of it.';
      throw new CasemateError('no_space', message, { cause: error });
    } finally {
      starting.delete(request.sandboxId);
    }
  };

  const live = (sandboxId: SandboxId): LiveSandbox => {
    const sandbox = running.get(sandboxId);
    if (!sandbox) throw new CasemateError('not_found', 'The sandbox does not run.');
    return sandbox;
  };

  /** Nothing when it ended between the finding and the pinning. */
  const pinFound = (
    found: Pick<LiveSandbox, 'record' | 'paths' | 'runtimeSandbox'>,
    pid: number,
    pidfd: number,
  ): LiveSandbox | undefined => {
    try {
      return pinSandbox({ ...found, runtime: runtimeOf(found.record.tier) }, pid, pidfd);
    } catch (error) {
      log.warn({ err: error, sandboxId: found.record.sandboxId }, 'a sandbox ended while it was adopted');
      closeSync(pidfd);
      return undefined;
    }
  };

  const adoptOne = async (sandboxId: SandboxId): Promise<LiveSandbox | undefined> => {
    const paths = layout.sandbox(sandboxId);
    const [runtime] = runtimes.values();
    const of = { sandboxId, paths, cgroup: cgroupOf(sandboxId), runtime: runtime as Runtime, groups, ranges };
    const record = await readOrEnd(of, log);
    if (record === 'ended') return undefined;
    if (!record) {
      await rm(paths.directory, { recursive: true, force: true });
      return undefined;
    }
    const pidfd = record.init ? openMarked(record.init) : undefined;
    const found = { record, paths, runtimeSandbox: runtimeSandboxOf(record) };
    const sandbox = record.init && pidfd !== undefined ? pinFound(found, record.init.pid, pidfd) : undefined;
    if (!sandbox) {
      try {
        await ending.clean(record);
      } catch (error) {
        onRemains(record);
        throw error;
      }
      return undefined;
    }
    await openDoor(sandbox).catch((error: unknown) =>
      log.error({ err: error, sandboxId }, 'the door of an adopted sandbox could not be opened'),
    );
    watch(sandbox);
    return sandbox;
  };

  return {
    requireRoom,
    create: (request) => {
      const act = (): Promise<SandboxStatus> => inTurn(request.sandboxId, () => create(request));
      return request.workspaceId === null ? act() : inTurn(`workspace:${request.workspaceId}`, act);
    },
    kill: (sandboxId) =>
      inTurn(sandboxId, async () => {
        const sandbox = running.get(sandboxId);
        if (sandbox) return stop(sandbox, 'The sandbox was stopped.');
        const one = leaving.get(sandboxId);
        if (one) await leave(one, 'The sandbox was stopped.');
      }),
    // One that could not be ended may still run: it is not passed over in silence.
    list: () =>
      [...running.values(), ...[...leaving.values()].filter(({ failed }) => failed)].map(({ record }) =>
        statusOf(record, stateOf(record.sandboxId)),
      ),
    live,
    deleteDisk: (workspaceId) =>
      inTurn(`workspace:${workspaceId}`, async () => {
        if (usesDisk(workspaceId)) {
          throw new CasemateError('conflict', 'A sandbox uses the disk. Stop it first.');
        }
        await rm(layout.disk(workspaceId).directory, { recursive: true, force: true });
        if (!(await ranges.release(`workspace:${workspaceId}`, layout.disk(workspaceId).image))) {
          log.error({ workspaceId }, 'something still has an id of a deleted disk; its range is kept');
        }
      }),
    async adopt() {
      const adopted: LiveSandbox[] = [];
      for (const name of readdirSync(layout.sandboxes)) {
        const sandboxId = parseId<SandboxId>(name);
        if (!sandboxId) continue;
        try {
          const sandbox = await adoptOne(sandboxId);
          if (sandbox) adopted.push(sandbox);
        } catch (error) {
          log.error({ err: error, sandboxId }, 'what an earlier warden left could neither be adopted nor cleaned away');
        }
      }
      // A crash may come between the range and the record, or a process may have kept it longer than its sandbox.
      for (const owner of ranges.owners()) {
        const sandboxId = parseId<SandboxId>(owner.replace(/^sandbox:/, ''));
        if (sandboxId && !(await exists(layout.sandbox(sandboxId).directory)))
          await ranges.release(`sandbox:${sandboxId}`, layout.sandbox(sandboxId).scratchImage);
      }
      return adopted;
    },
    release() {
      released = true;
      for (const sandbox of running.values()) unpinSandbox(sandbox);
      running.clear();
    },
  };
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
