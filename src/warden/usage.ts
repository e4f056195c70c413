import { statfs } from 'node:fs/promises';
import type { ControlGroups } from '#warden/cgroup/control-groups.ts';
import type { LiveSandbox } from '#warden/sandboxes/live-sandbox.ts';

/** Init and its idle child. */
const ownProcesses = 2;

/** What a sandbox uses now; the disk is the workspace's, or its own when it has none. */
export async function usageOf(sandbox: LiveSandbox, groups: ControlGroups) {
  const { record, paths, runtimeSandbox } = sandbox;
  const group = groups.usage(runtimeSandbox.cgroup);
  const disk = await statfs(record.workspaceId === null ? paths.scratch : paths.disk);
  return {
    memoryBytes: group.memoryBytes,
    cpuMicroseconds: group.cpuMicroseconds,
    processes: Math.max(0, group.processes - ownProcesses),
    diskUsedBytes: (disk.blocks - disk.bfree) * disk.bsize,
    diskTotalBytes: disk.blocks * disk.bsize,
    inodesUsed: disk.files - disk.ffree,
    inodesTotal: disk.files,
  };
}
