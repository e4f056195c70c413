/** Lines of a unit's `[Service]` section, in order; the same name may come again (systemd.exec(5)). */
export type UnitOptions = readonly (readonly [name: string, value: string])[];

/** What the options need to know of an instance. */
export interface Hardened {
  /** The data directory. */
  readonly data: string;
  /** The Node that runs everything. */
  readonly node: string;
  /** PostgreSQL is one of the operator's own, which the supervisor reaches over the network. */
  readonly externalDatabase: boolean;
  /** The server is reached from this machine only. */
  readonly loopback: boolean;
}

/** By these a process takes further powers from itself; systemd 252 has no group of them. */
const givesUpMore = 'seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self';

/** No process of ours needs any of this, the warden included. */
const everywhere: UnitOptions = [
  ['NoNewPrivileges', 'yes'],
  ['LockPersonality', 'yes'],
  ['RestrictRealtime', 'yes'],
  ['SystemCallArchitectures', 'native'],
  ['SystemCallErrorNumber', 'EPERM'],
  ['KeyringMode', 'private'],
  ['UMask', '0077'],
  ['AmbientCapabilities', ''],
  ['LimitCORE', '0'],
];

/** A view of the machine of its own: this makes a mount namespace. Not for the warden, see `wardenOptions`. */
const ownView: UnitOptions = [
  ['ProtectSystem', 'strict'],
  ['ProtectHome', 'yes'],
  ['PrivateTmp', 'yes'],
  ['PrivateDevices', 'yes'],
  ['DevicePolicy', 'closed'],
  ['PrivateIPC', 'yes'],
  ['ProtectClock', 'yes'],
  ['ProtectHostname', 'yes'],
  ['ProtectKernelTunables', 'yes'],
  ['ProtectKernelModules', 'yes'],
  ['ProtectKernelLogs', 'yes'],
  ['ProtectControlGroups', 'yes'],
  ['RestrictNamespaces', 'yes'],
  ['PrivateMounts', 'yes'],
];

/** Of a process with a user of its own and no privilege at all. */
const unprivileged = (user: string): UnitOptions => [
  ...everywhere,
  ...ownView,
  ['User', user],
  ['Group', user],
  ['CapabilityBoundingSet', ''],
  ['ProtectProc', 'invisible'],
  ['ProcSubset', 'pid'],
  ['RestrictSUIDSGID', 'yes'],
  ['RemoveIPC', 'no'],
];

/** Only Node and libraries may be run: what a process writes, or finds, is not executable for it. */
const runsOnlyNode = ({ data, node }: Hardened, ...further: readonly string[]): UnitOptions => [
  ['NoExecPaths', '/'],
  ['ExecPaths', [node, '-/usr/lib', '-/lib', '-/lib64', `${data}/release`, ...further].join(' ')],
];

const inaccessible = (data: string, names: readonly string[]): UnitOptions => [
  ['InaccessiblePaths', names.map((name) => `-${data}/${name}`).join(' ')],
];

/** The process that faces the network: one port, its own state, and the others' sockets. */
export const serverOptions = (of: Hardened): UnitOptions => [
  ...unprivileged('casemate-server'),
  ['PrivateUsers', 'yes'],
  ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6'],
  ['SystemCallFilter', `@system-service ${givesUpMore}`],
  ['SystemCallFilter', '~@privileged @resources'],
  ...(of.loopback
    ? ([
        ['IPAddressDeny', 'any'],
        ['IPAddressAllow', 'localhost'],
      ] as const)
    : []),
  ['ReadWritePaths', `${of.data}/server ${of.data}/run/server`],
  ...inaccessible(of.data, ['pg', 'pg-passwords', 'keeper', 'broker', 'warden', 'spool', 'log', 'config/keys']),
  ...runsOnlyNode(of),
];

/**
 * The terminals' descriptors and the recordings; no network at all. Its holders outlive it, and the next
 * keeper takes their descriptors: in another user namespace, as PrivateUsers makes one for each start, the
 * kernel would refuse (ptrace(2), access mode checking).
 */
export const keeperOptions = (of: Hardened): UnitOptions => [
  ...unprivileged('casemate-keeper'),
  ['PrivateNetwork', 'yes'],
  ['RestrictAddressFamilies', 'AF_UNIX'],
  ['IPAddressDeny', 'any'],
  ['SystemCallFilter', `@system-service ${givesUpMore} pidfd_getfd`],
  ['SystemCallFilter', '~@privileged @resources'],
  ['ReadWritePaths', `${of.data}/keeper ${of.data}/run/keeper ${of.data}/recordings ${of.data}/spool`],
  ...inaccessible(of.data, ['pg', 'pg-passwords', 'server', 'broker', 'warden', 'log', 'config/keys']),
  ...runsOnlyNode(of, '/usr/bin/sleep', '-/usr/bin/perl'),
];

/**
 * The supervisor and PostgreSQL. Root, because it makes the directories of four users and starts
 * PostgreSQL as its own; it has no network, no device, no namespace and no mount. SGID directories
 * are how two processes share sockets, so RestrictSUIDSGID stays off.
 */
export const supervisorOptions = (of: Hardened): UnitOptions => [
  ...everywhere,
  ...ownView,
  [
    'CapabilityBoundingSet',
    'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETUID CAP_SETGID CAP_SETPCAP',
  ],
  ...(of.externalDatabase
    ? ([['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6']] as const)
    : ([
        ['PrivateNetwork', 'yes'],
        ['RestrictAddressFamilies', 'AF_UNIX'],
        ['IPAddressDeny', 'any'],
      ] as const)),
  ['SystemCallFilter', `@system-service ${givesUpMore}`],
  ['SystemCallFilter', '~@mount @resources'],
  ['ReadWritePaths', of.data],
];

/**
 * The warden and its child, the broker. Root with what makes sandboxes: mounts, namespaces, control
 * groups, loop devices, other users. Whatever makes a mount namespace is left out: what it mounts must
 * be there for the warden that comes after it.
 */
export const wardenOptions = (): UnitOptions => [
  ...everywhere,
  [
    'CapabilityBoundingSet',
    'CAP_SYS_ADMIN CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SETFCAP CAP_DAC_READ_SEARCH CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETUID CAP_SETGID CAP_SETPCAP',
  ],
  ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
  ['DevicePolicy', 'closed'],
  ['DeviceAllow', 'block-loop rw'],
  ['DeviceAllow', '/dev/loop-control rw'],
  ['SystemCallFilter', '~@clock @cpu-emulation @module @obsolete @raw-io @reboot @swap'],
];
