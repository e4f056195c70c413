import { existsSync, readFileSync } from 'node:fs';
import { type CgroupLayout, readCgroupLayout } from '#main/doctor/cgroups.ts';
import { runProgram } from '#main/prepare/program.ts';

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

export const thisMachinesCgroups = (): CgroupLayout =>
  readCgroupLayout(
    textOf('/proc/self/mountinfo'),
    textOf('/proc/cgroups'),
    textOf('/sys/fs/cgroup/cgroup.controllers'),
  );

/** Mounts what crun insists on, where it is missing. Answers with what was done, in words, or null. Needs root. */
export async function mendCgroups(): Promise<string | null> {
  const { mend } = thisMachinesCgroups();
  if (!mend) return null;
  for (const [program, ...programArguments] of mend) if (program) await runProgram(program, programArguments);
  return 'mounted the hugetlb control group, without which crun refuses to start';
}
