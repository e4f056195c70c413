import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What the kernel says of one process, in words that are the same on every machine. */
export interface Posture {
  readonly user: string;
  readonly groups: string;
  readonly capabilities: Readonly<Record<'inheritable' | 'permitted' | 'effective' | 'bounding' | 'ambient', string>>;
  readonly noNewPrivileges: boolean;
  readonly filters: number;
  /** Namespaces that are not those of the test. */
  readonly ownNamespaces: readonly string[];
  /** By place; `host` where all of the host's are there. Libraries of one directory are one entry. */
  readonly mounts: Readonly<Record<string, string>> | 'host';
  readonly descriptors: readonly string[];
  readonly coreBytes: string;
  readonly environment: readonly string[];
  /** Control groups, beside those of the supervisor. */
  readonly controlGroups: string;
  /** Effective capabilities of its threads, where one has others than the process. */
  readonly threads: readonly string[];
  /** TCP addresses that it listens on. */
  readonly listens: number;
}

const capabilitySets = {
  inheritable: 'CapInh',
  permitted: 'CapPrm',
  effective: 'CapEff',
  bounding: 'CapBnd',
  ambient: 'CapAmb',
};
const users = new Map(
  readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid = '']) => [uid, name]),
);

/** The processes of the instance in `data`, by the names of the table. */
export function processesOfInstance(data: string): { name: string; pid: number }[] {
  const found: { name: string; pid: number }[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let line = '';
    try {
      line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch (error) {
      if (!['ENOENT', 'ESRCH'].includes((error as { code?: string }).code ?? '')) throw error;
    }
    const isHolder =
      line.trim() === '/holder' && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${data}/spool`);
    const own = new RegExp(`${data}/release/[0-9a-f]{32}/dist/main/(\\w+)\\.js`).exec(line)?.[1];
    const postgres = line.includes(`-D ${data}/pg`) ? 'postgres' : undefined;
    const name = own ?? postgres ?? (isHolder ? 'holder' : undefined);
    if (name !== undefined) found.push({ name, pid: Number(pid) });
  }
  return found;
}

export function postureOf(pid: number, data: string, supervisor: number): Posture {
  const proc = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const status = proc('status');
  const field = (name: string): string =>
    new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(status)?.[1] ?? 'absent';
  const four = (name: string): string[] => [...new Set(field(name).split('\t'))];
  const uids = four('Uid');
  const namespaces = readdirSync(`/proc/${pid}/ns`).filter((name) => !name.endsWith('_for_children'));
  return {
    user: uids.map((uid) => users.get(uid) ?? uid).join(' '),
    groups:
      four('Gid').length === 1 && field('Groups') === ''
        ? 'its own'
        : `${four('Gid').join(' ')} and ${field('Groups')}`,
    capabilities: Object.fromEntries(
      Object.entries(capabilitySets).map(([name, key]) => [name, capabilitiesIn(field(key))]),
    ) as Posture['capabilities'],
    noNewPrivileges: field('NoNewPrivs') === '1',
    filters: Number(field('Seccomp_filters')),
    ownNamespaces: namespaces
      .filter((name) => readlinkSync(`/proc/${pid}/ns/${name}`) !== readlinkSync(`/proc/self/ns/${name}`))
      .toSorted(),
    mounts: mountsOf(pid, data),
    descriptors: descriptorsOf(pid, data),
    coreBytes: /^Max core file size\s+(\S+)/m.exec(proc('limits'))?.[1] ?? 'absent',
    environment: pid === supervisor ? ["its caller's"] : namesIn(proc('environ')),
    controlGroups:
      proc('cgroup') === readFileSync(`/proc/${supervisor}/cgroup`, 'utf8') ? "the supervisor's" : proc('cgroup'),
    threads: threadsOf(pid, field('CapEff')),
    listens: listenersOf(pid),
  };
}

/** All are what the test itself has: what a kernel knows, and a container leaves, differs. */
function capabilitiesIn(set: string): string {
  const ours = /^CapEff:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (set === ours) return 'all';
  return BigInt(`0x${set}`) === 0n ? 'none' : set;
}

/** The machine's own authorities are there only where the machine has some. */
const namesIn = (environment: string): string[] =>
  environment
    .split('\0')
    .map((entry) => entry.split('=')[0] ?? '')
    .filter((name) => name !== '' && name !== 'NODE_EXTRA_CA_CERTS')
    .toSorted();

function threadsOf(pid: number, effective: string): string[] {
  const home = readlinkSync(`/proc/${pid}/ns/net`);
  const others = readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const task = `/proc/${pid}/task/${thread}`;
    const own = /^CapEff:\s*(\S+)/m.exec(readFileSync(`${task}/status`, 'utf8'))?.[1] ?? '';
    return [
      ...(own === effective ? [] : [own]),
      ...(readlinkSync(`${task}/ns/net`) === home ? [] : ['another network']),
    ];
  });
  return [...new Set(others)].toSorted();
}

function mountsOf(pid: number, data: string): Posture['mounts'] {
  const text = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  if (text === readFileSync('/proc/self/mountinfo', 'utf8')) return 'host';
  const mounts: Record<string, string> = {};
  for (const line of text.trim().split('\n')) {
    const [, , , , point = '', options = ''] = line.split(' ');
    const place = placeOf(point, data);
    // Which of them a machine has differs; all of them are public.
    if (place.startsWith('/etc/') || place.startsWith('/usr/')) {
      if (options.startsWith('ro,nosuid,nodev,noexec')) continue;
    }
    const kept = options
      .split(',')
      .filter((option) => !['relatime', 'noatime', 'nodiratime'].includes(option))
      .join(',');
    if (mounts[place] !== undefined && mounts[place] !== kept) throw new Error(`${place} is mounted in two ways`);
    mounts[place] = kept;
  }
  return mounts;
}

function placeOf(path: string, data: string): string {
  if (path.startsWith('/dev/pt')) return 'PTY';
  if (path === process.execPath) return 'NODE';
  if (path.endsWith('.node')) return 'NODE ADD-ONS';
  if (/\.so(?:\.[\d.]+)?$/.test(path)) return 'LIBRARIES';
  return path.replace(data, 'DATA').replace(/release\/[0-9a-f]{32}/, 'release');
}

/** Kinds of what it holds, without those that every Node process has of its own. */
function descriptorsOf(pid: number, data: string): string[] {
  const kinds = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    let target: string;
    try {
      target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch (error) {
      // It was closed meanwhile.
      if ((error as { code?: string }).code === 'ENOENT') continue;
      throw error;
    }
    if (/^pipe:|^anon_inode:\[(?:eventpoll|eventfd|io_uring)\]$/.test(target)) continue;
    kinds.add(
      target.startsWith('socket:')
        ? 'sockets'
        : placeOf(target, data)
            .replace(/\d{8,}.*$/, '*')
            .replace(/\b[a-z2-7]{20}\b/, '*'),
    );
  }
  return [...kinds].toSorted();
}

/** Listening TCP sockets of its network namespace that it holds. */
function listenersOf(pid: number): number {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const LISTEN = '0A';
  // A socket is listed in the namespace in which it was made.
  const tables = ['self', String(pid)].flatMap((of) => ['tcp', 'tcp6'].map((table) => `/proc/${of}/net/${table}`));
  const listening = new Set<string>();
  for (const table of tables) {
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === LISTEN && fields[9] !== undefined && own.has(fields[9])) listening.add(fields[9]);
    }
  }
  return listening.size;
}
