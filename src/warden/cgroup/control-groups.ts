import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFile,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pidfdOpen, pidfdSignal } from '#kernel/pidfd.ts';
import type { Hierarchies } from '#warden/cgroup/hierarchies.ts';

export interface GroupUsage {
  readonly memoryBytes: number;
  readonly cpuMicroseconds: number;
  readonly processes: number;
}

/** The control groups of an instance; paths are relative to each hierarchy's root, such as `/casemate-abc/<id>`. */
export interface ControlGroups {
  /** Makes a group in every hierarchy. */
  make(path: string): void;
  usage(path: string): GroupUsage;
  /** Pids of the group and of those below it. */
  members(path: string): number[];
  /** True while the group or one above it is frozen. */
  frozen(path: string): boolean;
  /**
   * Says that a process will be moved into a group within some milliseconds. The kernel lets readers out
   * of its lock on groups first (a grace period, 5–15 ms), then keeps it easy to take for as long again: a
   * process moved from its group to the same one, which changes nothing, makes that wait happen meanwhile.
   */
  announceMove(): void;
  /** Gathers the session and the descendants of `leader` from group `path` in a group of its own below it, and answers that group's path. */
  gather(path: string, name: string, leader: number): string;
  /** Kills what is in the group and below, until it is empty. */
  kill(path: string): Promise<void>;
  /** Removes the group if nothing runs in it any more; otherwise it goes with the sandbox. */
  discard(path: string): void;
  /** Removes the group and those below from every hierarchy. Throws when one stays busy. */
  remove(path: string): Promise<void>;
}

const isMissing = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ESRCH' || code === 'ENODEV';
};

/** Control groups on v1, hybrid and v2 alike. */
export function createControlGroups(hierarchies: Hierarchies): ControlGroups {
  const { unified, controllers } = hierarchies;
  const mounts = [...new Set([...controllers.values(), ...(unified === null ? [] : [unified])])];
  // Membership is asked of one hierarchy: the unified one if there is any, because it can kill at once.
  const tracking = unified ?? controllers.get('pids') ?? [...controllers.values()][0] ?? '';
  const ownGroup = findOwnGroup(readFileSync('/proc/self/cgroup', 'latin1'), hierarchies);
  const ownProcesses = `${tracking}${ownGroup}/cgroup.procs`;
  const directoryOf = (controller: string): string => controllers.get(controller) ?? unified ?? '';
  const number = (file: string): number => Number(readFileSync(file, 'latin1'));
  const field = (file: string, name: string): number =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(file, 'latin1'))?.[1] ?? 0);

  const below = (directory: string): string[] => {
    try {
      return readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .flatMap((entry) => [...below(`${directory}/${entry.name}`), `${directory}/${entry.name}`]);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  };
  const processes = (directory: string): number[] => {
    try {
      return readFileSync(`${directory}/cgroup.procs`, 'latin1').split('\n').filter(Boolean).map(Number);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  };
  const members = (path: string): number[] => [...below(`${tracking}${path}`), `${tracking}${path}`].flatMap(processes);

  const usage = (path: string): GroupUsage => {
    const memory = `${directoryOf('memory')}${path}`;
    const cpu = `${directoryOf('cpuacct')}${path}`;
    const v1 = controllers.has('memory');
    const used = number(`${memory}/${v1 ? 'memory.usage_in_bytes' : 'memory.current'}`);
    const cache = field(`${memory}/memory.stat`, v1 ? 'total_inactive_file' : 'inactive_file');
    return {
      memoryBytes: Math.max(0, used - cache),
      cpuMicroseconds: controllers.has('cpuacct')
        ? Math.round(number(`${cpu}/cpuacct.usage`) / 1000)
        : field(`${cpu}/cpu.stat`, 'usage_usec'),
      processes: members(path).length,
    };
  };

  const frozen = (path: string): boolean => {
    const freezer = controllers.get('freezer');
    try {
      return freezer === undefined
        ? field(`${unified}${path}/cgroup.events`, 'frozen') === 1
        : readFileSync(`${freezer}${path}/freezer.state`, 'latin1').trim() !== 'THAWED';
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  };

  const gather = (path: string, name: string, leader: number): string => {
    const child = `${path}/${name}`;
    const file = `${tracking}${child}/cgroup.procs`;
    try {
      mkdirSync(`${tracking}${child}`);
    } catch (error) {
      // The sandbox is being removed, with all that runs in it: its group must not be made again.
      if (isMissing(error)) return child;
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    writeInto(file, leader);
    // What the leader forked before it was moved; each pass finds less, and a later fork is born inside.
    const family = new Set([leader]);
    const own = relationsOf(leader).session;
    for (let pass = 0; pass < 8; pass += 1) {
      const strays = processes(`${tracking}${path}`).filter((pid) => {
        const { parent, session } = relationsOf(pid);
        return (own !== undefined && session === own) || (parent !== undefined && family.has(parent));
      });
      if (strays.length === 0) break;
      for (const pid of strays) {
        family.add(pid);
        writeInto(file, pid);
      }
    }
    return child;
  };

  /**
   * A task that a v1 freezer holds does not die of SIGKILL. Out of its frozen group it wakes, with the
   * signal before it: it runs no instruction of its own any more (cgroups(7), freezer).
   */
  const thawKilled = (path: string): void => {
    const freezer = controllers.get('freezer');
    if (freezer === undefined || !frozen(path)) return;
    for (const pid of members(path)) if (isMember(pid, path)) writeInto(`${freezer}/cgroup.procs`, pid);
  };

  const kill = async (path: string): Promise<void> => {
    const directory = `${tracking}${path}`;
    for (let pass = 0; pass < 200; pass += 1) {
      const pids = members(path);
      if (pids.length === 0) return;
      if (existsSync(`${directory}/cgroup.kill`)) writeInto(`${directory}/cgroup.kill`, 1);
      else for (const pid of pids) killMember(pid, path);
      if (pass > 0) thawKilled(path);
      await sleep(pass < 20 ? 2 : 20);
    }
    throw new Error('a control group did not become empty after SIGKILL');
  };

  const remove = async (path: string): Promise<void> => {
    for (const mount of mounts) {
      for (const directory of [...below(`${mount}${path}`), `${mount}${path}`]) await removeDirectory(directory);
    }
  };

  return {
    make: (path) => {
      for (const mount of mounts) mkdirSync(`${mount}${path}`, { recursive: true });
    },
    announceMove: () => {
      // A hint: without it the move takes longer, and nothing else.
      writeFile(ownProcesses, '0', { flag: 'r+' }, () => undefined);
    },
    usage,
    members,
    frozen,
    gather,
    kill,
    discard: (path) => {
      try {
        rmdirSync(`${tracking}${path}`);
      } catch (error) {
        if (!isMissing(error) && (error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      }
    },
    remove,
  };
}

/** This process's group in the hierarchy that is asked for membership, from the text of /proc/self/cgroup. */
function findOwnGroup(text: string, { unified, controllers }: Hierarchies): string {
  const name = unified !== null ? '' : controllers.has('pids') ? 'pids' : ([...controllers.keys()][0] ?? '');
  for (const line of text.split('\n')) {
    const [, names = '', ...path] = line.split(':');
    if (names.split(',').includes(name)) return path.join(':').replace(/^\/$/, '');
  }
  return '';
}

function writeInto(file: string, value: number): void {
  try {
    // Without O_CREAT: on a group that is gone, the kernel would answer that it may not be made.
    writeFileSync(file, String(value), { flag: 'r+' });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Parent and session of a process as this pid namespace numbers them; nothing when it is gone. */
function relationsOf(pid: number): { parent?: number; session?: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(parent), session: Number(session) };
  } catch (error) {
    if (isMissing(error)) return {};
    throw error;
  }
}

/** Whether `pid` is in the group, or in one below it. */
function isMember(pid: number, path: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'latin1')
      .split('\n')
      .some((line) => line.endsWith(`:${path}`) || line.includes(`:${path}/`));
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Kills `pid` if, once a descriptor holds it, it still belongs to the group: pids are reused. */
function killMember(pid: number, path: string): void {
  let pidfd: number;
  try {
    pidfd = pidfdOpen(pid);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  try {
    const SIGKILL = 9;
    if (isMember(pid, path)) pidfdSignal(pidfd, SIGKILL);
  } finally {
    closeSync(pidfd);
  }
}

async function removeDirectory(directory: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (isMissing(error)) return;
      // A killed process leaves its group only when it has been reaped.
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || attempt >= 100) throw error;
      await sleep(10);
    }
  }
}
