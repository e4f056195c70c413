import type { Probe } from '#main/attack/probe.ts';

const kinds = {
  time: 0x80,
  mnt: 0x20000,
  cgroup: 0x2000000,
  uts: 0x4000000,
  ipc: 0x8000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
} as const;

/** A new namespace brings a fresh kernel surface, and all capabilities with a new user namespace. */
export const namespaceProbes: readonly Probe[] = [
  ...Object.entries(kinds).flatMap(([kind, flag]): Probe[] => {
    return [
      {
        id: `unshare-${kind}`,
        category: 'namespaces',
        what: `leave its ${kind} namespace for a new one`,
        // Not for children alone but for itself, where the kind allows it.
        attempt: [
          `before = os.readlink('/proc/self/ns/${kind}')`,
          `call('unshare', ${flag})`,
          `return changed(before, os.readlink('/proc/self/ns/${kind}')) or 'its children are in a new one'`,
        ],
      },
      {
        id: `setns-${kind}`,
        category: 'namespaces',
        what: `enter a ${kind} namespace by its file`,
        // Entering one's own user namespace is refused to everybody; that it is looked at tells enough.
        attempt: [`return accepted('setns', os.open('/proc/self/ns/${kind}', os.O_RDONLY), ${flag})`],
      },
    ];
  }),
  ...Object.entries(kinds)
    .filter(([kind]) => kind !== 'time')
    .map(
      ([kind, flag]): Probe => ({
        id: `clone-${kind}`,
        category: 'namespaces',
        what: `start a child in a new ${kind} namespace`,
        attempt: [
          `child = call('clone', ${flag} | 17, 0, 0, 0, 0)`,
          'if child == 0: os._exit(0)',
          "return f'clone made process {child}'",
        ],
      }),
    ),
  {
    id: 'clone3-user',
    category: 'namespaces',
    what: 'start a child in a new user namespace by clone3, whose flags no filter can read',
    attempt: [
      `child = call('clone3', struct.pack('8Q', ${kinds.user}, 0, 0, 0, 17, 0, 0, 0), 64)`,
      'if child == 0: os._exit(0)',
      "return f'clone3 made process {child}'",
    ],
  },
  {
    id: 'namespace-parent',
    category: 'namespaces',
    what: 'get hold of the user namespace that its own belongs to (NS_GET_PARENT)',
    attempt: ["held = os.open('/proc/self/ns/user', os.O_RDONLY)", "return f'descriptor {fcntl.ioctl(held, 0xb702)}'"],
  },
];
