/** Where this machine's control groups are mounted. */
export interface Hierarchies {
  readonly version: 'v1' | 'hybrid' | 'v2';
  /** The unified hierarchy (v2), also beside v1 ones; null on pure v1. */
  readonly unified: string | null;
  /** Mount point of each v1 controller; empty on pure v2. */
  readonly controllers: ReadonlyMap<string, string>;
}

/** Reads the hierarchies from the text of /proc/self/mounts. Throws when there is none. */
export function findHierarchies(mounts: string): Hierarchies {
  let unified: string | null = null;
  const controllers = new Map<string, string>();
  for (const line of mounts.split('\n')) {
    const [, target = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup2') unified ??= target;
    if (type !== 'cgroup') continue;
    for (const option of options.split(',')) {
      if (/^(cpu|cpuacct|cpuset|memory|devices|freezer|blkio|pids|hugetlb|name=systemd)$/.test(option)) {
        controllers.set(option, target);
      }
    }
  }
  if (controllers.size === 0 && unified === null) throw new Error('no control groups are mounted (cgroups(7))');
  const version = controllers.size === 0 ? 'v2' : unified === null ? 'v1' : 'hybrid';
  return { version, unified, controllers };
}
