import type { Probe } from '#main/attack/probe.ts';

/** Opened for writing, and never written. */
const writing = (id: string, path: string, what: string, category: 'proc' | 'sys' = 'proc'): Probe => ({
  id,
  category,
  what,
  attempt: [`return writable('${path}')`],
  needs: path,
});

const reading = (id: string, path: string, what: string): Probe => ({
  id,
  category: 'proc',
  what,
  attempt: [`return readable('${path}')`],
  needs: path,
});

/** Files of the kernel that act on the whole machine, or tell of it. */
export const kernelFileProbes: readonly Probe[] = [
  writing('core-pattern', '/proc/sys/kernel/core_pattern', 'name the program that the host starts for a crash'),
  writing('modprobe-path', '/proc/sys/kernel/modprobe', 'name the program that the host loads modules with'),
  writing('sysrq-trigger', '/proc/sysrq-trigger', 'press the magic key of the machine'),
  writing('sysrq', '/proc/sys/kernel/sysrq', 'turn the magic key on'),
  writing('binfmt-misc', '/proc/sys/fs/binfmt_misc/register', 'register an interpreter on the host'),
  writing('overcommit', '/proc/sys/vm/overcommit_memory', 'change how the machine gives memory'),
  writing('drop-caches', '/proc/sys/vm/drop_caches', 'drop the caches of the machine'),
  writing('ns-last-pid', '/proc/sys/kernel/ns_last_pid', 'choose its next process number'),
  writing('protected-links', '/proc/sys/fs/protected_symlinks', 'turn off what protects from links'),
  writing('userns-limit', '/proc/sys/user/max_user_namespaces', 'allow itself new user namespaces'),
  writing('kernel-hostname', '/proc/sys/kernel/hostname', 'rename the machine by a sysctl'),
  writing('irq-affinity', '/proc/irq/default_smp_affinity', 'move the interrupts of the machine'),
  {
    id: 'uid-map',
    category: 'proc',
    what: 'write its map of uids again',
    attempt: [
      "before = open('/proc/self/uid_map').read()",
      "put('/proc/self/uid_map', '0 0 1')",
      "return changed(before, open('/proc/self/uid_map').read())",
    ],
  },
  {
    id: 'oom-score',
    category: 'proc',
    what: 'be the last that is killed when memory ends',
    attempt: ["return put('/proc/self/oom_score_adj', '-1000')"],
  },
  {
    id: 'time-offsets',
    category: 'proc',
    what: 'set the offset of its clocks',
    attempt: ["return writable('/proc/self/timens_offsets') and put('/proc/self/timens_offsets', 'monotonic 1 0')"],
    needs: '/proc/self/timens_offsets',
  },
  reading('kcore', '/proc/kcore', 'read the memory of the kernel'),
  reading('kmsg', '/proc/kmsg', 'read the kernel log'),
  reading('kallsyms', '/proc/kallsyms', 'read the symbols of the kernel'),
  reading('keys', '/proc/keys', 'read the keys of the machine'),
  reading('cmdline', '/proc/cmdline', 'read how the machine was started'),
  reading('timer-list', '/proc/timer_list', 'read the timers of the machine'),
  reading('partitions', '/proc/partitions', 'read the disks of the machine'),
  reading('modules', '/proc/modules', 'read the modules of the kernel'),
  {
    id: 'sched-debug',
    category: 'proc',
    what: 'list programs of the host by what the scheduler tells',
    attempt: ["return readable('/proc/sched_debug') or readable('/sys/kernel/debug/sched/debug')"],
  },
  {
    id: 'mask-by-detour',
    category: 'proc',
    what: 'read a masked file by another name of the same directory',
    attempt: [
      "for way in ('/proc/self/../keys', '/proc/1/root/proc/keys', '/proc/thread-self/root/proc/keys', '/proc/./keys'):",
      '  try:',
      '    found = readable(way)',
      '    if found: return found',
      '  except OSError: pass',
    ],
    needs: '/proc/keys',
  },
  {
    id: 'sys-listing',
    category: 'sys',
    what: 'look at the hardware in /sys',
    attempt: ["return ' '.join(os.listdir('/sys')[:5])"],
  },
  writing('uevent-helper', '/sys/kernel/uevent_helper', 'name the program that the host starts for devices', 'sys'),
  {
    id: 'release-agent',
    category: 'sys',
    what: 'name the program that the host starts for an empty control group',
    attempt: ["return next((path for path in under('/sys/fs/cgroup', 'release_agent') if writable(path)), None)"],
  },
  {
    id: 'notify-on-release',
    category: 'sys',
    what: 'ask for that program (notify_on_release)',
    attempt: ["return next((path for path in under('/sys/fs/cgroup', 'notify_on_release') if writable(path)), None)"],
  },
  {
    id: 'cgroup-limits',
    category: 'sys',
    what: 'raise its own limits in the control groups',
    attempt: [
      "names = ('memory.max', 'memory.limit_in_bytes', 'pids.max', 'cgroup.procs')",
      'for name in names:',
      "  for path in under('/sys/fs/cgroup', name):",
      '    if writable(path): return path',
    ],
  },
  {
    id: 'cgroup-path',
    category: 'sys',
    what: 'learn where on the host its control group is',
    attempt: [
      "paths = {line.strip().split(':', 2)[2] for line in open('/proc/self/cgroup')}",
      "return ' '.join(path for path in paths if 'casemate' in path or '/..' in path)",
    ],
  },
  {
    id: 'firmware',
    category: 'sys',
    what: 'read firmware, power counters or the debug files of the kernel',
    attempt: [
      "for path in ('/sys/firmware', '/sys/devices/virtual/powercap', '/sys/kernel/debug', '/sys/kernel/security'):",
      '  if os.path.isdir(path) and os.listdir(path): return path',
    ],
  },
];
