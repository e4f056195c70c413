import type { Probe } from '#main/attack/probe.ts';

const opening = (id: string, path: string, what: string): Probe => ({
  id,
  category: 'devices',
  what,
  attempt: [`os.open('${path}', os.O_RDONLY)`, `return '${path} was opened'`],
  needs: path,
});

const making = (id: string, what: string, kind: 'S_IFCHR' | 'S_IFBLK', major: number, minor: number): Probe => ({
  id,
  category: 'devices',
  what,
  // On a mount without devices the node is made and cannot be opened; then nothing was reached.
  attempt: [
    "for place in ('/tmp', '/dev', '/run', '/dev/shm', os.path.expanduser('~')):",
    `  path = f'{place}/${id}-{os.getpid()}'`,
    '  try:',
    `    os.mknod(path, 0o600 | stat.${kind}, os.makedev(${major}, ${minor}))`,
    '    try: os.open(path, os.O_RDONLY | os.O_NONBLOCK)',
    '    finally: os.unlink(path)',
    "    return f'{path} was made and opened'",
    '  except OSError: pass',
  ],
});

export const deviceProbes: readonly Probe[] = [
  making('mknod-mem', 'make the device of the memory', 'S_IFCHR', 1, 1),
  making('mknod-kmsg', 'make the device of the kernel log', 'S_IFCHR', 1, 11),
  making('mknod-loop', 'make the device of a disk', 'S_IFBLK', 7, 0),
  making('mknod-null', 'make any device at all', 'S_IFCHR', 1, 3),
  opening('dev-mem', '/dev/mem', 'open the memory of the machine'),
  opening('dev-kmsg', '/dev/kmsg', 'open the kernel log'),
  opening('dev-fuse', '/dev/fuse', 'open /dev/fuse'),
  opening('dev-kvm', '/dev/kvm', 'open /dev/kvm'),
  opening('dev-tun', '/dev/net/tun', 'open the device of tunnels'),
  opening('dev-loop', '/dev/loop-control', 'open the control of disks from files'),
  {
    id: 'dev-others',
    category: 'devices',
    what: 'find a device beside the seven that programs need',
    attempt: [
      "known = {'/dev/' + name for name in ('full', 'null', 'random', 'tty', 'urandom', 'zero', 'ptmx', 'pts/ptmx')}",
      'found = []',
      "for base, _, names in os.walk('/dev'):",
      '  for path in (f"{base}/{name}" for name in names):',
      '    mode = os.lstat(path).st_mode',
      '    terminal = re.fullmatch("/dev/(pts/[0-9]+|console)", path)',
      '    if (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and path not in known and not terminal: found.append(path)',
      "return ' '.join(found[:5])",
    ],
  },
  {
    id: 'tiocsti',
    category: 'devices',
    what: 'type into a terminal by TIOCSTI',
    attempt: [
      'master, slave = os.openpty()',
      'os.setsid()',
      'fcntl.ioctl(slave, termios.TIOCSCTTY, 0)',
      'fcntl.ioctl(slave, termios.TIOCSTI, b"x")',
      "return 'a character was put into the input'",
    ],
  },
  {
    id: 'tiocsti-high-word',
    category: 'devices',
    what: 'pass TIOCSTI by a filter that compares 64 bits',
    attempt: [
      'master, slave = os.openpty()',
      'os.setsid()',
      'fcntl.ioctl(slave, termios.TIOCSCTTY, 0)',
      "call('ioctl', slave, 0x100005412, b'x')",
      "return 'a character was put into the input'",
    ],
  },
  {
    id: 'tioclinux',
    category: 'devices',
    what: 'paste into a console by TIOCLINUX',
    // A terminal that is no console answers ENOTTY: the request itself got through.
    attempt: ['master, slave = os.openpty()', "return accepted('ioctl', slave, 0x541c, b'\\2')"],
  },
  {
    id: 'port-io',
    category: 'devices',
    what: 'speak to hardware by its ports (iopl, ioperm)',
    attempt: ["return accepted('ioperm', 0x80, 1, 0) or accepted('iopl', 0)"],
    machine: 'x64',
    users: ['root'],
  },
];
