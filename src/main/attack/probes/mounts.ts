import type { Probe } from '#main/attack/probe.ts';

/** The mount table before and after decides; the calls of the newer interface have no effect of their own yet. */
const mounting = (id: string, what: string, ...attempt: string[]): Probe => ({
  id,
  category: 'mounts',
  what,
  attempt: ['before = mounts()', ...attempt, 'return changed(before, mounts())'],
});

export const mountProbes: readonly Probe[] = [
  mounting('mount-tmpfs', 'mount a tmpfs', "call('mount', b'none', b'/mnt', b'tmpfs', 0, None)"),
  mounting('mount-proc', 'mount a proc without masks', "call('mount', b'none', b'/mnt', b'proc', 0, None)"),
  mounting('mount-sysfs', 'mount a sysfs', "call('mount', b'none', b'/mnt', b'sysfs', 0, None)"),
  mounting('mount-cgroup', 'mount the control groups', "call('mount', b'none', b'/mnt', b'cgroup2', 0, None)"),
  mounting('mount-bind', 'bind its root elsewhere', "call('mount', b'/', b'/mnt', b'none', 4096, None)"),
  mounting(
    'mount-overlay',
    'mount an overlay over its own files',
    "for name in 'uw': os.makedirs(f'/tmp/o{os.getpid()}/{name}')",
    "call('mount', b'none', b'/mnt', b'overlay', 0, f'lowerdir=/etc,upperdir=/tmp/o{os.getpid()}/u,workdir=/tmp/o{os.getpid()}/w'.encode())",
  ),
  mounting('remount-sys', 'make /proc/sys writable', "call('mount', b'none', b'/proc/sys', b'none', 32 | 4096, None)"),
  mounting(
    'remount-root',
    'allow devices and set-uid programs on its root',
    "call('mount', b'none', b'/', b'none', 32, None)",
  ),
  mounting('umount-mask', 'take a mask off /proc', "call('umount2', b'/proc/keys', 2)"),
  mounting('umount-home', 'take its home away', "call('umount2', b'/home/user', 2)"),
  {
    id: 'open-tree',
    category: 'mounts',
    what: 'copy a mount (open_tree)',
    attempt: ["return accepted('open_tree', -100, b'/', 1)"],
  },
  {
    id: 'move-mount',
    category: 'mounts',
    what: 'move a mount (move_mount)',
    attempt: ["return accepted('move_mount', -100, b'/none', -100, b'/mnt', 0)"],
  },
  {
    id: 'fsopen',
    category: 'mounts',
    what: 'make a file system (fsopen)',
    attempt: ["return accepted('fsopen', b'tmpfs', 0)"],
  },
  {
    id: 'fspick',
    category: 'mounts',
    what: 'change a file system (fspick)',
    attempt: ["return accepted('fspick', -100, b'/', 0)"],
  },
  {
    id: 'mount-setattr',
    category: 'mounts',
    what: 'change the flags of a mount (mount_setattr)',
    attempt: ["return accepted('mount_setattr', -100, b'/', 0, struct.pack('4Q', 0, 0, 0, 0), 32)"],
  },
  {
    id: 'pivot-root',
    category: 'mounts',
    what: 'change the root of all (pivot_root)',
    attempt: ["return accepted('pivot_root', b'/none', b'/none')"],
  },
  {
    id: 'chroot-escape',
    category: 'mounts',
    what: 'climb out of a root that it left behind (chroot)',
    attempt: [
      "os.makedirs('/tmp/jail', exist_ok=True)",
      "held = os.open('/', os.O_RDONLY)",
      "call('chroot', b'/tmp/jail')",
      'os.fchdir(held)',
      "for _ in range(40): os.chdir('..')",
      'return f\'chroot worked; outside are {os.listdir(".")[:4]}\'',
    ],
  },
];
