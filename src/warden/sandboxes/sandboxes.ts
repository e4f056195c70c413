import { closeSync, readdirSync } from 'node:fs';
import { access, chmod, chown, mkdir, rm } from 'node:fs/promises';
import { parseId, type SandboxId, type TeamId, type WorkspaceId } from '#base/ids.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#channel/log.ts';
import type { WardenConfig } from '#config/process.ts';
import { doorAddress } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import {
  type Exit,
  type Resources,
  resourcesSchema,
  type SandboxStatus,
  type Tier,
  type WardenEvent,
} from '#contract/warden.ts';
import { pidfdOpen } from '#kernel/pidfd.ts';
import type { BrokerChild } from '#warden/broker/broker-child.ts';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import { makeDiskImage, mountDiskImage, requireReserve } from '#warden/disk/disk-image.ts';
import { makeHome } from '#warden/disk/home.ts';
import { mountRoot } from '#warden/disk/root-file-system.ts';
import type { Layout } from '#warden/layout.ts';
import type { NamespaceSockets } from '#warden/network/namespace-sockets.ts';
import type { ExitWatch } from '#warden/processes/exit-watch.ts';
import type { Orphans } from '#warden/processes/orphans.ts';
import { markProcess, openMarked } from '#warden/processes/process-mark.ts';
import { closeUserNamespaces } from '#warden/processes/user-namespace-limit.ts';
import type { Runtime, RuntimeSandbox } from '#warden/runtimes/runtime.ts';
import { type LiveSandbox, pinSandbox, statusOf, unpinSandbox } from '#warden/sandboxes/live-sandbox.ts';
import { diskRecordSchema, type SandboxRecord, sandboxRecordSchema } from '#warden/sandboxes/sandbox-record.ts';
import { tearDown } from '#warden/sandboxes/teardown.ts';
import type { UidRanges } from '#warden/uid-ranges.ts';
import { readRecord, writeRecord } from '#warden/write-record.ts';

export interface SandboxesOptions {
  readonly config: WardenConfig;
  readonly layout: Layout;
  readonly runtimes: ReadonlyMap<Tier, Runtime>;
  readonly groups: ControlGroups;
  readonly ranges: UidRanges;
  readonly sockets: NamespaceSockets;
  readonly exits: ExitWatch;
  readonly orphans: Orphans;
  readonly broker: BrokerChild;
  readonly clock: Clock;
  readonly log: Log;
  readonly announce: (event: WardenEvent) => void;
}

export interface SandboxRequest {
  readonly sandboxId: SandboxId;
  readonly teamId: TeamId;
  readonly workspaceId: WorkspaceId | null;
  readonly template: string;
  readonly tier: Tier;
  readonly resources: Resources;
  readonly environment: Record<string, string>;
}

/** The sandboxes of this instance. Acts on one sandbox or one disk never overlap. */
export interface Sandboxes {
  create(request: SandboxRequest): Promise<SandboxStatus>;
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

const reapPatienceMs = 10_000;

export function createSandboxes(options: SandboxesOptions): Sandboxes {
  const { config, layout, runtimes, groups, ranges, sockets, exits, orphans, broker, clock, log } = options;
  const running = new Map<SandboxId, LiveSandbox>();
  const ends = new Map<SandboxId, Promise<Exit>>();
  const starting = new Set<SandboxId>();
  const turns = new Map<string, Promise<unknown>>();
  let released = false;

  const inTurn = async <Result>(key: string, act: () => Promise<Result>): Promise<Result> => {
    const before = turns.get(key) ?? Promise.resolve();
    const result = before.then(act);
    const settled = result.catch(() => undefined);
    turns.set(key, settled);
    try {
      return await result;
    } finally {
      if (turns.get(key) === settled) turns.delete(key);
    }
  };

  const cgroupOf = (id: SandboxId): string => `/casemate-${config.instance}/${id}`;
  const stateOf = (id: SandboxId): SandboxStatus['state'] => (groups.frozen(cgroupOf(id)) ? 'frozen' : 'running');
  const runtimeOf = (tier: Tier): Runtime => {
    const runtime = runtimes.get(tier);
    if (!runtime) throw new CasemateError('unavailable', 'This server has no runtime of that isolation tier.');
    return runtime;
  };
  const templateRoot = (template: string): string => `${config.templatesDirectory}/${template}/rootfs`;

  const clean = async (record: SandboxRecord): Promise<void> => {
    const { sandboxId } = record;
    const complete = await tearDown({
      sandboxId,
      paths: layout.sandbox(sandboxId),
      cgroup: cgroupOf(sandboxId),
      runtime: runtimeOf(record.tier),
      groups,
      ranges,
      ownRange: record.workspaceId === null,
    });
    if (!complete) log.error({ sandboxId }, 'a process still has a uid of a sandbox that is gone; its range is kept');
  };

  const openDoor = async (sandbox: LiveSandbox): Promise<void> => {
    const { sandboxId, teamId } = sandbox.record;
    broker.openDoor(sandboxId, teamId, await sockets.listen(sandbox.networkFd, doorAddress.port));
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

  /** Waits for the init that was killed; it ends only when all other processes of its namespace are reaped. */
  const reaped = async ({ firstUid, sandboxId }: SandboxRecord, ended: Promise<Exit> | undefined): Promise<void> => {
    let done = false;
    const finished = Promise.resolve(ended).finally(() => {
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
  };

  const stop = async (sandbox: LiveSandbox, reason: string): Promise<void> => {
    const { sandboxId } = sandbox.record;
    if (running.get(sandboxId) !== sandbox) return;
    running.delete(sandboxId);
    broker.closeDoor(sandboxId);
    await groups.kill(cgroupOf(sandboxId));
    // Its init must have been reaped before its descriptor goes: a zombie would hold the uid range.
    await reaped(sandbox.record, ends.get(sandboxId));
    ends.delete(sandboxId);
    unpinSandbox(sandbox);
    await clean(sandbox.record);
    options.announce({ type: 'sandbox.stopped', sandboxId, reason });
  };

  const runtimeSandboxOf = (record: SandboxRecord): RuntimeSandbox => {
    const paths = layout.sandbox(record.sandboxId);
    return {
      id: record.sandboxId,
      paths,
      firstUid: record.firstUid,
      resources: record.resources,
      home: `${record.workspaceId === null ? paths.scratch : paths.disk}/home`,
      cgroup: cgroupOf(record.sandboxId),
    };
  };

  const prepareDisk = async (request: SandboxRequest, workspaceId: WorkspaceId, firstUid: number): Promise<void> => {
    const disk = layout.disk(workspaceId);
    const mountPoint = layout.sandbox(request.sandboxId).disk;
    const known = await readRecord(disk.record, diskRecordSchema);
    if (known) return mountDiskImage(disk.image, mountPoint);
    await mkdir(disk.directory, { recursive: true, mode: 0o700 });
    await makeDiskImage(layout.images, disk.image, request.resources);
    await mountDiskImage(disk.image, mountPoint);
    await rm(`${mountPoint}/lost+found`, { recursive: true, force: true });
    await makeHome(`${mountPoint}/home`, templateRoot(request.template), firstUid);
    const { teamId, resources } = request;
    await writeRecord(disk.record, { workspaceId, teamId, firstUid, diskMiB: resources.diskMiB });
  };

  const start = async (request: SandboxRequest): Promise<LiveSandbox> => {
    const { sandboxId, workspaceId } = request;
    const runtime = runtimeOf(request.tier);
    const firstUid =
      workspaceId === null ? await ranges.takeForSandbox(sandboxId) : await ranges.ofWorkspace(workspaceId);
    const record: SandboxRecord = { ...request, firstUid, startedMs: clock.now(), init: null };
    const paths = layout.sandbox(sandboxId);
    await mkdir(paths.terminals, { recursive: true, mode: 0o700 });
    await writeRecord(paths.record, record);
    let initPidfd: number | undefined;
    let pinned: LiveSandbox | undefined;
    try {
      await mkdir(paths.mounts, { recursive: true, mode: 0o710 });
      await chown(paths.mounts, 0, firstUid);
      await chmod(paths.mounts, 0o710);
      await makeDiskImage(layout.images, paths.scratchImage, request.resources);
      await mountDiskImage(paths.scratchImage, paths.scratch);
      await mountRoot(templateRoot(request.template), paths, firstUid);
      if (workspaceId === null) await makeHome(`${paths.scratch}/home`, templateRoot(request.template), firstUid);
      else await prepareDisk(request, workspaceId, firstUid);
      const runtimeSandbox = runtimeSandboxOf(record);
      // crun reaches the disks as the sandbox's own group and passes no further than it must.
      for (const directory of [paths.scratch, paths.disk]) {
        await chown(directory, 0, firstUid).catch(ignoreMissing);
        await chmod(directory, 0o710).catch(ignoreMissing);
      }
      const pid = await runtime.start(runtimeSandbox);
      initPidfd = pidfdOpen(pid);
      const started = { ...record, init: markProcess(pid) };
      const sandbox = pinSandbox({ record: started, paths, runtime, runtimeSandbox }, pid, initPidfd);
      pinned = sandbox;
      await closeUserNamespaces(pid);
      await writeRecord(paths.record, started);
      await openDoor(sandbox);
      return sandbox;
    } catch (error) {
      if (initPidfd !== undefined) {
        await groups.kill(cgroupOf(sandboxId));
        await reaped(record, exits.ended(initPidfd));
        if (pinned) unpinSandbox(pinned);
        else closeSync(initPidfd);
      }
      await clean(record);
      throw error;
    }
  };

  const create = async (request: SandboxRequest): Promise<SandboxStatus> => {
    const known = running.get(request.sandboxId);
    if (known) return statusOf(known.record, stateOf(request.sandboxId));
    requireWithin(request.resources, config.maximumResources);
    if (!(await exists(templateRoot(request.template)))) {
      throw new CasemateError('not_found', 'This server has no template of that name.');
    }
    if (running.size + starting.size >= config.maximumSandboxes) {
      throw new CasemateError('quota_exceeded', 'This server runs as many sandboxes as it may. Stop one first.');
    }
    for (const other of running.values()) {
      if (request.workspaceId !== null && other.record.workspaceId === request.workspaceId) {
        throw new CasemateError('conflict', 'The workspace has a sandbox already.');
      }
    }
    await requireReserve(config.stateDirectory, config.reserveMiB);
    starting.add(request.sandboxId);
    try {
      const sandbox = await start(request);
      watch(sandbox);
      return statusOf(sandbox.record, 'running');
    } finally {
      starting.delete(request.sandboxId);
    }
  };

  const live = (sandboxId: SandboxId): LiveSandbox => {
    const sandbox = running.get(sandboxId);
    if (!sandbox) throw new CasemateError('not_found', 'The sandbox does not run.');
    return sandbox;
  };

  const adoptOne = async (sandboxId: SandboxId): Promise<LiveSandbox | undefined> => {
    const paths = layout.sandbox(sandboxId);
    const record = await readRecord(paths.record, sandboxRecordSchema);
    if (!record) {
      await rm(paths.directory, { recursive: true, force: true });
      return undefined;
    }
    const pidfd = record.init ? openMarked(record.init) : undefined;
    if (!record.init || pidfd === undefined) {
      await clean(record);
      return undefined;
    }
    const runtime = runtimeOf(record.tier);
    const sandbox = pinSandbox(
      { record, paths, runtime, runtimeSandbox: runtimeSandboxOf(record) },
      record.init.pid,
      pidfd,
    );
    await openDoor(sandbox).catch((error: unknown) =>
      log.error({ err: error, sandboxId }, 'the door of an adopted sandbox could not be opened'),
    );
    watch(sandbox);
    return sandbox;
  };

  return {
    create: (request) => {
      const act = (): Promise<SandboxStatus> => inTurn(request.sandboxId, () => create(request));
      return request.workspaceId === null ? act() : inTurn(request.workspaceId, act);
    },
    kill: (sandboxId) =>
      inTurn(sandboxId, async () => {
        const sandbox = running.get(sandboxId);
        if (sandbox) await stop(sandbox, 'The sandbox was stopped.');
      }),
    list: () => [...running.values()].map(({ record }) => statusOf(record, stateOf(record.sandboxId))),
    live,
    deleteDisk: (workspaceId) =>
      inTurn(workspaceId, async () => {
        if ([...running.values()].some(({ record }) => record.workspaceId === workspaceId)) {
          throw new CasemateError('conflict', 'A sandbox uses the disk. Stop it first.');
        }
        await rm(layout.disk(workspaceId).directory, { recursive: true, force: true });
        if (!(await ranges.release(`workspace:${workspaceId}`))) {
          log.error({ workspaceId }, 'a process still has a uid of a deleted disk; its range is kept');
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
          await ranges.release(`sandbox:${sandboxId}`);
      }
      return adopted;
    },
    release() {
      released = true;
      for (const sandbox of running.values()) {
        for (const fd of [sandbox.rootFd, sandbox.networkFd, sandbox.initPidfd]) closeSync(fd);
      }
      running.clear();
    },
  };
}

function requireWithin(asked: Resources, maximum: Resources): void {
  for (const name of Object.keys(resourcesSchema.shape) as (keyof Resources)[]) {
    if (asked[name] > maximum[name]) {
      throw new CasemateError('quota_exceeded', 'The sandbox asks for more than this server allows.', {
        detail: { resource: name, maximum: maximum[name] },
      });
    }
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
