/** `target type options` of every mount in a sandbox (relatime left out); for devices the source as well. */
interface ExpectedMount {
  readonly line: string;
  /** Mounted over a path that not every kernel has. */
  readonly masked: boolean;
}

const required = [
  '/ overlay rw,nosuid,nodev',
  '/dev tmpfs rw,nosuid,noexec',
  '/dev/full devtmpfs rw,nosuid,noexec /full',
  '/dev/null devtmpfs rw,nosuid,noexec /null',
  '/dev/pts devpts rw,nosuid,noexec',
  '/dev/random devtmpfs rw,nosuid,noexec /random',
  '/dev/shm tmpfs rw,nosuid,nodev,noexec',
  '/dev/tty devtmpfs rw,nosuid,noexec /tty',
  '/dev/urandom devtmpfs rw,nosuid,noexec /urandom',
  '/dev/zero devtmpfs rw,nosuid,noexec /zero',
  '/home/user ext4 rw,nosuid,nodev',
  '/proc proc rw,nosuid,nodev,noexec',
  '/proc/sys proc ro',
  '/run tmpfs rw,nosuid,nodev',
  '/run/casemate-init ext4 ro,nosuid,nodev',
];

const maskedDirectories = ['acpi', 'asound', 'bus', 'driver', 'fs', 'irq', 'pressure', 'scsi', 'tty'];
const maskedFiles = [
  ...['bootconfig', 'buddyinfo', 'cmdline', 'consoles', 'diskstats', 'misc', 'partitions', 'softirqs'],
  ...['config.gz', 'interrupts', 'iomem', 'ioports', 'kallsyms', 'kcore', 'key-users', 'keys', 'kmsg', 'kpagecgroup'],
  ...['kpagecount', 'kpageflags', 'latency_stats', 'modules', 'mtrr', 'sched_debug', 'slabinfo', 'sysrq-trigger'],
  ...['timer_list', 'timer_stats', 'vmallocinfo', 'zoneinfo'],
];

export const expectedMounts: readonly ExpectedMount[] = [
  ...required.map((line) => ({ line, masked: false })),
  ...maskedDirectories.map((name) => ({ line: `/proc/${name} tmpfs ro`, masked: true })),
  ...maskedFiles.map((name) => ({ line: `/proc/${name} devtmpfs ro /null`, masked: true })),
];
