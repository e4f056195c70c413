import { chmodSync, chownSync, closeSync, mkdirSync, rmSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { SandboxId, TeamId, WorkspaceId } from '#base/ids.ts';
import type { Resources, Tier } from '#contract/warden.ts';
import { pidfdOpen } from '#kernel/pidfd.ts';
import { mountDiskImage, requireDetached } from '#warden/disk/disk-image.ts';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import { makeHome } from '#warden/disk/home.ts';
import type { ImageStock } from '#warden/disk/image-stock.ts';
import { mountRoot } from '#warden/disk/root-file-system.ts';
import { openUserNamespace } from '#warden/disk/user-namespace.ts';
import type { Layout } from '#warden/layout.ts';
import type { ExitWatch } from '#warden/processes/exit-watch.ts';
import { markProcess } from '#warden/processes/process-mark.ts';
import type { Runtime, RuntimeSandbox } from '#warden/runtimes/runtime.ts';
import type { Ending } from '#warden/sandboxes/ending.ts';
import { type LiveSandbox, pinSandbox, unpinSandbox } from '#warden/sandboxes/live-sandbox.ts';
import { diskRecordSchema, type SandboxRecord } from '#warden/sandboxes/sandbox-record.ts';
import type { UidRanges } from '#warden/uid-ranges.ts';
import { placeRecord, readRecord, writeRecord } from '#warden/write-record.ts';

export interface SandboxRequest {
  readonly sandboxId: SandboxId;
  readonly teamId: TeamId;
  readonly workspaceId: WorkspaceId | null;
  readonly template: string;
  readonly tier: Tier;
  readonly resources: Resources;
  readonly environment: Record<string, string>;
}

export interface StartOptions {
  readonly layout: Layout;
  readonly ranges: UidRanges;
  readonly groups: ControlGroups;
  readonly images: ImageStock;
  readonly exits: ExitWatch;
  readonly ending: Ending;
  readonly clock: Clock;
  readonly runtimeOf: (tier: Tier) => Runtime;
  readonly cgroupOf: (id: SandboxId) => string;
  readonly templateRoot: (template: string) => string;
  readonly openDoor: (sandbox: LiveSandbox) => Promise<void>;
  readonly closeDoor: (id: SandboxId) => void;
  /** What a failed start made could not all be taken away. */
  readonly onRemains: (record: SandboxRecord) => void;
}

/** Starts sandboxes. When a step fails, what those before it made is taken away, and its error thrown. */
export interface SandboxStarter {
  start(request: SandboxRequest): Promise<LiveSandbox>;
  runtimeSandboxOf(record: SandboxRecord): RuntimeSandbox;
}

export function createSandboxStarter(options: StartOptions): SandboxStarter {
  const { layout, ranges, groups, images, exits, ending, clock, runtimeOf, cgroupOf, templateRoot } = options;

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
    await requireDetached(disk.image);
    const known = await readRecord(disk.record, diskRecordSchema);
    if (known) return mountDiskImage(disk.image, mountPoint);
    mkdirSync(disk.directory, { recursive: true, mode: 0o700 });
    await images.make(disk.image, request.resources);
    mountDiskImage(disk.image, mountPoint);
    rmSync(`${mountPoint}/lost+found`, { recursive: true, force: true });
    makeHome(`${mountPoint}/home`, templateRoot(request.template), firstUid);
    const { teamId, resources } = request;
    await writeRecord(disk.record, { workspaceId, teamId, firstUid, diskMiB: resources.diskMiB });
  };

  /** Takes the mapping when it needs it: the program that makes it runs beside the work on disks. */
  const prepare = async (request: SandboxRequest, record: SandboxRecord, mapping: Promise<number>): Promise<void> => {
    const { firstUid, workspaceId } = record;
    const paths = layout.sandbox(record.sandboxId);
    mkdirSync(paths.terminals, { recursive: true, mode: 0o700 });
    placeRecord(paths.record, record);
    mkdirSync(paths.mounts, { recursive: true, mode: 0o710 });
    chownSync(paths.mounts, 0, firstUid);
    chmodSync(paths.mounts, 0o710);
    await images.make(paths.scratchImage, request.resources);
    mountDiskImage(paths.scratchImage, paths.scratch);
    if (workspaceId === null) makeHome(`${paths.scratch}/home`, templateRoot(request.template), firstUid);
    else await prepareDisk(request, workspaceId, firstUid);
    // crun reaches the disks as the sandbox's own group and passes no further than it must.
    for (const directory of workspaceId === null ? [paths.scratch] : [paths.scratch, paths.disk]) {
      chownSync(directory, 0, firstUid);
      chmodSync(directory, 0o710);
    }
    mountRoot(templateRoot(request.template), paths, firstUid, await mapping);
  };

  return {
    runtimeSandboxOf,
    async start(request) {
      const { sandboxId, workspaceId } = request;
      groups.announceMove();
      const runtime = runtimeOf(request.tier);
      const firstUid =
        workspaceId === null ? await ranges.takeForSandbox(sandboxId) : await ranges.ofWorkspace(workspaceId);
      const record: SandboxRecord = { ...request, firstUid, startedMs: clock.now(), init: null };
      const paths = layout.sandbox(sandboxId);
      let initPidfd: number | undefined;
      let pinned: LiveSandbox | undefined;
      const mapping = openUserNamespace(firstUid, exits);
      // Its failure is met where it is awaited, which an earlier one may prevent.
      const mapped = mapping.catch(() => undefined);
      try {
        await prepare(request, record, mapping);
        groups.announceMove();
        const runtimeSandbox = runtimeSandboxOf(record);
        const pid = await runtime.start(runtimeSandbox, await mapping);
        initPidfd = pidfdOpen(pid);
        const started = { ...record, init: markProcess(pid) };
        pinned = pinSandbox({ record: started, paths, runtime, runtimeSandbox }, pid, initPidfd);
        placeRecord(paths.record, started);
        await options.openDoor(pinned);
        images.refill();
        return pinned;
      } catch (error) {
        try {
          options.closeDoor(sandboxId);
          await ending.kill(record, initPidfd === undefined ? undefined : exits.ended(initPidfd));
          if (pinned) unpinSandbox(pinned);
          else if (initPidfd !== undefined) closeSync(initPidfd);
          await ending.clean(record);
        } catch (cause) {
          options.onRemains(record);
          throw new AggregateError([error, cause], 'a sandbox did not start, and could not be cleaned away');
        }
        throw error;
      } finally {
        const fd = await mapped;
        if (fd !== undefined) closeSync(fd);
      }
    },
  };
}
