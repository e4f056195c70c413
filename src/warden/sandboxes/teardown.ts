import { rmdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { SandboxId } from '#base/ids.ts';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import { unmountAll } from '#warden/disk/root-file-system.ts';
import type { SandboxPaths } from '#warden/layout.ts';
import type { Runtime } from '#warden/runtimes/runtime.ts';
import type { UidRanges } from '#warden/uid-ranges.ts';

export interface TeardownOptions {
  readonly sandboxId: SandboxId;
  readonly paths: SandboxPaths;
  readonly cgroup: string;
  readonly runtime: Runtime;
  readonly groups: ControlGroups;
  readonly ranges: UidRanges;
  /** Its range goes back too; a workspace's stays with its disk. */
  readonly ownRange: boolean;
}

/**
 * Leaves nothing of a sandbox: processes, runtime state, control groups, mounts and their loop
 * devices, directories, uid range. Each step succeeds when there is nothing to do, so that what a
 * crash interrupted is finished by the next call. The record goes last: while it is there, so is a
 * reason to call this again. False when something still has an id of the uid range, which is then kept.
 */
export async function tearDown(options: TeardownOptions): Promise<boolean> {
  const { sandboxId, paths, cgroup, runtime, groups, ranges } = options;
  await groups.kill(cgroup);
  await runtime.remove(sandboxId);
  await groups.remove(cgroup);
  unmountAll(paths);
  for (const directory of [paths.root, paths.lower, paths.disk, paths.scratch, paths.mounts]) {
    // rmdir, never a recursive removal: should something still be mounted there, its files stay.
    try {
      rmdirSync(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  rmSync(paths.bundle, { recursive: true, force: true });
  // Before the table of ranges is written: on a full disk this makes the room for it.
  await rm(paths.scratchImage, { force: true });
  const released = options.ownRange ? await ranges.release(`sandbox:${sandboxId}`, paths.scratchImage) : true;
  await rm(paths.directory, { recursive: true, force: true });
  return released;
}
