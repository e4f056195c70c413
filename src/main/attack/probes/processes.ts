import type { Probe } from '#main/attack/probe.ts';

/** `given.canary` is a process of the host that the attack started, known by a mark in its arguments. */
export const processProbes: readonly Probe[] = [
  {
    id: 'host-processes',
    category: 'processes',
    what: 'see a process of the host',
    attempt: ['return marked_process()'],
  },
  {
    id: 'host-ptrace',
    category: 'processes',
    what: 'trace a process of the host',
    attempt: ["return call('ptrace', 0x4206, int(marked_process() or given['canary']), 0, 0) == 0 and 'traced'"],
  },
  {
    id: 'host-signal',
    category: 'processes',
    what: 'end a process of the host',
    attempt: [
      "pid = int(marked_process() or given['canary'])",
      "if os.path.exists(f'/proc/{pid}') and not marked_process(): return None",
      'os.kill(pid, signal.SIGTERM)',
      "return f'process {pid} took a signal'",
    ],
  },
  {
    id: 'init-ptrace',
    category: 'processes',
    what: 'trace the init of its sandbox',
    attempt: ["return call('ptrace', 0x4206, 1, 0, 0) == 0 and 'traced'"],
    users: ['user'],
  },
  {
    id: 'init-memory',
    category: 'processes',
    what: 'open the memory of its init',
    attempt: ["os.open('/proc/1/mem', os.O_RDWR)", "return 'opened'"],
    users: ['user'],
  },
  {
    id: 'init-descriptor',
    category: 'processes',
    what: 'take a descriptor of its init (pidfd_getfd)',
    attempt: ["held = call('pidfd_open', 1, 0)", 'return f"descriptor {call(\'pidfd_getfd\', held, 0, 0)}"'],
    users: ['user'],
  },
  {
    id: 'init-memory-call',
    category: 'processes',
    what: 'read the memory of its init by a call (process_vm_readv)',
    attempt: [
      'page = ctypes.create_string_buffer(8)',
      "here = struct.pack('QQ', ctypes.addressof(page), 8)",
      "there = struct.pack('QQ', 0x400000, 8)",
      'return f"{call(\'process_vm_readv\', 1, here, 1, there, 1, 0)} bytes"',
    ],
    users: ['user'],
  },
  {
    id: 'init-root',
    category: 'processes',
    what: 'look at the root of its init',
    attempt: ["return ' '.join(os.listdir('/proc/1/root')[:3])"],
    users: ['user'],
  },
  {
    id: 'priority',
    category: 'processes',
    what: 'run before others by its priority',
    attempt: [
      'before = os.getpriority(0, 0)',
      'os.setpriority(0, 0, -10)',
      'return changed(before, os.getpriority(0, 0))',
    ],
  },
];
