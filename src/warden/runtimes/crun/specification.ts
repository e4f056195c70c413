import { readFileSync } from 'node:fs';
import { guestHostName } from '#warden/disk/root-file-system.ts';
import { guestUser } from '#warden/guest-user.ts';
import { capabilitySets } from '#warden/runtimes/crun/capabilities.ts';
import type { RuntimeProcess, RuntimeSandbox } from '#warden/runtimes/runtime.ts';
import { type Machine, seccompFilter } from '#warden/seccomp/filter.ts';

/** Processes of the sandbox that are not the guest's: init, its idle child, and crun on its way in. */
const ownProcesses = 3;
const initTarget = '/run/casemate-init';

/** crun raises no limit above this process's own (getrlimit(2)). */
const openFiles = Math.min(
  65_536,
  Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 1024),
);

const filter = seccompFilter(process.arch as Machine).toString('base64');

/** Kernel facts that tell of the host or reach beyond the sandbox. */
const maskedPaths = [
  ...[
    'acpi',
    'asound',
    'bootconfig',
    'buddyinfo',
    'bus',
    'cmdline',
    'consoles',
    'diskstats',
    'driver',
    'fs',
    'interrupts',
    'iomem',
    'ioports',
    'irq',
    'kallsyms',
    'kcore',
    'key-users',
  ],
  ...['keys', 'kmsg', 'kpagecgroup', 'kpagecount', 'kpageflags', 'latency_stats', 'misc', 'mtrr', 'partitions'],
  ...['pressure', 'sched_debug', 'scsi', 'softirqs'],
  ...[
    'slabinfo',
    'sysrq-trigger',
    'timer_list',
    'timer_stats',
    'tty',
    'vmallocinfo',
    'zoneinfo',
    'modules',
    'config.gz',
  ],
].map((name) => `/proc/${name}`);

/**
 * The OCI runtime specification's `config.json` of a sandbox. Its user namespace is the one at the path
 * `userNamespace`, mappings and all.
 */
export function specification(sandbox: RuntimeSandbox, initProgram: string, userNamespace: string): object {
  const { resources, paths } = sandbox;
  const memory = resources.memoryMiB * 1_048_576;
  const namespaces = ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup'];
  return {
    ociVersion: '1.0.2',
    process: processDocument(
      {
        arguments: [initTarget, '-g', '--', '/bin/sleep', 'infinity'],
        environment: ['PATH=/usr/bin:/bin'],
        workingDirectory: '/',
        user: 'root',
      },
      [],
    ),
    root: { path: paths.root, readonly: false },
    hostname: guestHostName,
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k', 'nr_inodes=64'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5', 'max=1024'],
      },
      // tmpfs pages count against the memory limit of whoever writes them.
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${Math.floor(memory / 2)}`, 'nr_inodes=65536'],
      },
      {
        destination: '/run',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'nodev', 'mode=755', 'size=16m', 'nr_inodes=4096'],
      },
      { destination: initTarget, type: 'bind', source: initProgram, options: ['bind', 'ro', 'nosuid', 'nodev'] },
      { destination: guestUser.home, type: 'bind', source: sandbox.home, options: ['bind', 'nosuid', 'nodev'] },
    ],
    annotations: { 'run.oci.seccomp_bpf_data': filter },
    linux: {
      namespaces: [{ type: 'user', path: userNamespace }, ...namespaces.map((type) => ({ type }))],
      cgroupsPath: sandbox.cgroup,
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        memory: { limit: memory, swap: memory },
        pids: { limit: resources.processes + ownProcesses },
        cpu: {
          period: 100_000,
          quota: resources.cpuPercent * 1000,
          // 1,024 shares a whole CPU, within what the kernel takes.
          shares: Math.min(262_144, Math.max(2, Math.round((resources.cpuPercent / 100) * 1024))),
        },
      },
      maskedPaths,
      readonlyPaths: ['/proc/sys'],
    },
  };
}

/** An OCI `process` object: numeric ids and argv, never a caller's flags (H1). */
export function processDocument(
  process: RuntimeProcess,
  capabilities: readonly string[],
  size?: { readonly columns: number; readonly rows: number },
): object {
  const ids = process.user === 'root' ? { uid: 0, gid: 0 } : { uid: guestUser.uid, gid: guestUser.gid };
  return {
    terminal: size !== undefined,
    ...(size ? { consoleSize: { width: size.columns, height: size.rows } } : {}),
    user: { ...ids, umask: 0o022, additionalGids: [] },
    args: process.arguments,
    env: process.environment,
    cwd: process.workingDirectory,
    noNewPrivileges: true,
    // Not above what guests have, which is this process's: the init would be killed for them, and all with it.
    oomScoreAdj: 0,
    capabilities: capabilitySets(capabilities),
    rlimits: [
      { type: 'RLIMIT_NOFILE', soft: openFiles, hard: openFiles },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ],
  };
}
