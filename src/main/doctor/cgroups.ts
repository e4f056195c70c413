/** How control groups are mounted: which files the warden writes, and whether crun will start at all. */
export interface CgroupLayout {
  readonly version: 'v2' | 'v1' | 'hybrid' | 'none';
  /** Controllers that work, by name. */
  readonly controllers: readonly string[];
  /**
   * crun 1.8 wants the hugetlb controller mounted on v1 and hybrid when the kernel has it, and refuses
   * every container without. The command that mounts it, or null.
   */
  readonly mend: readonly (readonly string[])[] | null;
}

/** Reads the layout from the text of /proc/self/mountinfo, /proc/cgroups and cgroup.controllers of the v2 root. */
export function readCgroupLayout(mountinfo: string, cgroups: string, v2Controllers: string): CgroupLayout {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4];
    const [type, , options] = after?.split(' ') ?? [];
    return point && type?.startsWith('cgroup') ? [{ point, type, options: (options ?? '').split(',') }] : [];
  });
  const v2 = mounts.filter(({ type }) => type === 'cgroup2');
  const v1 = mounts.filter(({ type }) => type === 'cgroup');
  const unified = v2.some(({ point }) => point === '/sys/fs/cgroup');
  const enabled = cgroups
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .filter(([, , , on]) => on === '1')
    .map(([name]) => name ?? '');
  const known = new Set(enabled);
  const mounted = v1.flatMap(({ options }) => options.filter((option) => known.has(option)));
  if (unified) {
    return { version: 'v2', controllers: v2Controllers.split(/\s+/).filter(Boolean).toSorted(), mend: null };
  }
  if (v1.length === 0) return { version: 'none', controllers: [], mend: null };
  const lacksHugetlb = known.has('hugetlb') && !mounted.includes('hugetlb');
  const point = '/sys/fs/cgroup/hugetlb';
  return {
    version: v2.length > 0 ? 'hybrid' : 'v1',
    controllers: [...new Set(mounted)].toSorted(),
    mend: lacksHugetlb
      ? [
          ['mkdir', '-p', point],
          ['mount', '-t', 'cgroup', '-o', 'hugetlb', 'cgroup', point],
        ]
      : null,
  };
}

/** Controllers without which a sandbox's limits do not hold. */
export function missingControllers(layout: CgroupLayout): string[] {
  const needed = layout.version === 'v2' ? ['cpu', 'memory', 'pids'] : ['cpu', 'memory', 'pids', 'freezer', 'devices'];
  return needed.filter((controller) => !layout.controllers.includes(controller));
}
