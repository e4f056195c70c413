import { readdirSync, readFileSync } from 'node:fs';

/** A process by pid, parent, and what of its memory is whose. KiB. */
export interface ProcessMemory {
  readonly pid: number;
  readonly parent: number;
  readonly program: string;
  /** Proportional set size: what is shared counts by its share, also with programs that are not ours. */
  readonly pss: number;
  readonly anonymous: number;
  /** By mapped file: resident pages of it, and this process's share of them. */
  readonly mapped: ReadonlyMap<string, { readonly resident: number; readonly share: number }>;
}

/** What `read` finds, or undefined when the process is gone. */
function whileAlive<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** Needs root for other users' processes. */
function readMemory(pid: number, parent: number): ProcessMemory {
  const program = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').join(' ').trim();
  let [pss, anonymous] = [0, 0];
  const mapped = new Map<string, { resident: number; share: number }>();
  for (const area of readFileSync(`/proc/${pid}/smaps`, 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(area)?.[1] ?? 0);
    const file = /^\S+ \S+ \S+ \S+ \d+ +(\/.*)$/m.exec(area)?.[1];
    const own = field('Anonymous');
    pss += field('Pss');
    if (file === undefined) anonymous += field('Rss');
    else {
      anonymous += own;
      const seen = mapped.get(file) ?? { resident: 0, share: 0 };
      mapped.set(file, {
        resident: seen.resident + field('Rss') - own,
        share: seen.share + Math.max(0, field('Pss') - own),
      });
    }
  }
  return { pid, parent, program, pss, anonymous, mapped };
}

/** A process and all its descendants, as they are now. */
export function memoryOfTree(root: number): ProcessMemory[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => whileAlive(() => ({ pid: Number(name), parent: parentOf(Number(name)) })) ?? []);
  const found = all.filter(({ pid }) => pid === root);
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
  return found.flatMap(({ pid, parent }) => whileAlive(() => readMemory(pid, parent)) ?? []);
}

/**
 * KiB that the processes would take on a machine of their own: a file that strangers map as well (Node's own
 * binary, where other programs run on it) counts once and whole, where the proportional set size counts a share.
 */
export function aloneKiB(processes: readonly ProcessMemory[]): number {
  const files = new Map<string, { resident: number; share: number }>();
  for (const { mapped } of processes) {
    for (const [file, { resident, share }] of mapped) {
      const seen = files.get(file) ?? { resident: 0, share: 0 };
      files.set(file, { resident: Math.max(seen.resident, resident), share: seen.share + share });
    }
  }
  const shared = [...files.values()].reduce((sum, { resident, share }) => sum + Math.max(resident, share), 0);
  return processes.reduce((sum, { anonymous }) => sum + anonymous, shared);
}
