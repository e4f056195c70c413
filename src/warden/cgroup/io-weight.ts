import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Hierarchies } from '#warden/cgroup/hierarchies.ts';

/**
 * Against the kernel's default of 100 for everything else: where sandboxes and the rest of the machine
 * want a disk at once, the database and the journals get two thirds.
 */
export const sandboxesIoWeight = 50;

/** By kernel and scheduler: cgroup v2 (`io.cost`, BFQ), then v1 (BFQ, CFQ). */
const weightFiles = ['io.weight', 'io.bfq.weight', 'blkio.bfq.weight', 'blkio.weight'] as const;

/**
 * Gives the group at `path`, and so all sandboxes together, less of the disks than the rest of the
 * machine. Answers which files took the weight; none where the kernel weighs no disk.
 */
export function weighIo({ unified, controllers }: Hierarchies, path: string): readonly string[] {
  const blkio = controllers.get('blkio');
  if (unified !== null && blkio === undefined) offerIo(unified);
  const root = blkio ?? unified;
  const files = weightFiles.map((name) => `${root}${path}/${name}`).filter((file) => existsSync(file));
  for (const file of files) writeFileSync(file, String(sandboxesIoWeight), { flag: 'r+' });
  return files;
}

/** cgroup v2 shows a controller's files in a group only when the group above offers it. */
function offerIo(unified: string): void {
  const listed = (name: string): boolean => {
    const file = `${unified}/${name}`;
    return existsSync(file) && readFileSync(file, 'latin1').trim().split(' ').includes('io');
  };
  if (listed('cgroup.controllers') && !listed('cgroup.subtree_control')) {
    writeFileSync(`${unified}/cgroup.subtree_control`, '+io', { flag: 'r+' });
  }
}
