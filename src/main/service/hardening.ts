/** Lines of a unit's `[Service]` section, in order; the same name may come again (systemd.exec(5)). */
export type UnitOptions = readonly (readonly [name: string, value: string])[];

/** What the options need to know of an instance. */
export interface Hardened {
  /** The data directory. */
  readonly data: string;
  /** The Node that runs everything. */
  readonly node: string;
  /** Path of the program of the keeper's holders; see keeper/holder-program.ts. */
  readonly holderProgram: string;
  /** PostgreSQL is one of the operator's own, which supervisor and server reach over TCP. */
  readonly externalDatabase: boolean;
}

/** A process whose sockets are Unix sockets, and those that it was handed. */
const noNetwork: UnitOptions = [
  ['PrivateNetwork', 'yes'],
  ['RestrictAddressFamilies', 'AF_UNIX'],
  ['IPAddressDeny', 'any'],
];
const hostNetwork: UnitOptions = [['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6']];

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

/** What neither server nor keeper nor anything of their kind looks at. */
const ofOthers = ['pg', 'pg-passwords', 'broker', 'warden', 'log', 'config/keys', 'signer', 'tls', 'run/up'] as const;
/** Below it a port needs CAP_NET_BIND_SERVICE. */
const firstUnprivilegedPort = 1024;

/** The process that faces the network: sockets that it is handed, its own state, and the others' sockets. */
export const serverOptions = (of: Hardened): UnitOptions => [
  ...unprivileged('casemate-server'),
  ['PrivateUsers', 'yes'],
  ...(of.externalDatabase ? hostNetwork : noNetwork),
  ['SystemCallFilter', `@system-service ${givesUpMore}`],
  ['SystemCallFilter', '~@privileged @resources'],
  ['ReadWritePaths', `${of.data}/server ${of.data}/run/server`],
  ...inaccessible(of.data, [...ofOthers, 'keeper', 'spool']),
  ...runsOnlyNode(of),
];

/** Opens one socket in the host's network, hands it to the supervisor and ends. */
export const listenerOptions = (of: Hardened, port: number): UnitOptions => [
  ...unprivileged('casemate-server'),
  ...hostNetwork,
  ...(port < firstUnprivilegedPort
    ? ([
        ['CapabilityBoundingSet', 'CAP_NET_BIND_SERVICE'],
        ['AmbientCapabilities', 'CAP_NET_BIND_SERVICE'],
      ] as const)
    : []),
  ['SystemCallFilter', '@system-service'],
  ['SystemCallFilter', '~@privileged @resources'],
  ['RuntimeMaxSec', '30'],
  ...inaccessible(of.data, [...ofOthers, 'keeper', 'spool', 'server', 'config/server.json', 'recordings', 'run']),
  ...runsOnlyNode(of),
];

/** Orders one certificate, through the broker's door for it. */
export const acmeOptions = (of: Hardened): UnitOptions => [
  ...unprivileged('casemate-acme'),
  ['PrivateUsers', 'yes'],
  ...noNetwork,
  ['SystemCallFilter', `@system-service ${givesUpMore}`],
  ['SystemCallFilter', '~@privileged @resources'],
  ['RuntimeMaxSec', '1800'],
  ...inaccessible(of.data, [...ofOthers, 'keeper', 'spool', 'server', 'recordings']),
  ...runsOnlyNode(of),
];

/** The operator's DNS hook: any program, with the network; what is the instance's is not there. */
export const hookOptions = (of: Hardened): UnitOptions => [
  ...unprivileged('casemate-hook'),
  ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
  ['SystemCallFilter', '@system-service'],
  ['SystemCallFilter', '~@privileged'],
  ['RuntimeMaxSec', '300'],
  ...inaccessible(of.data, [...ofOthers, 'config', 'keeper', 'spool', 'server', 'recordings', 'run']),
];

/**
 * The terminals' descriptors and the recordings; no network at all. Its holders outlive it, and the next
 * keeper takes their descriptors: in another user namespace, as PrivateUsers makes one for each start, the
 * kernel would refuse (ptrace(2), access mode checking).
 */
export const keeperOptions = (of: Hardened): UnitOptions => [
  ...unprivileged('casemate-keeper'),
  ...noNetwork,
  ['SystemCallFilter', `@system-service ${givesUpMore} pidfd_getfd`],
  ['SystemCallFilter', '~@privileged @resources memfd_create'],
  ['ReadWritePaths', `${of.data}/keeper ${of.data}/run/keeper ${of.data}/recordings ${of.data}/spool`],
  ...inaccessible(of.data, [...ofOthers, 'server']),
  ...runsOnlyNode(of, `-${of.holderProgram}`),
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
  ...(of.externalDatabase ? hostNetwork : noNetwork),
  ['SystemCallFilter', `@system-service ${givesUpMore}`],
  ['SystemCallFilter', '~@mount @resources'],
  ['ReadWritePaths', of.data],
];

/**
 * The warden and its child, the broker, which the launcher confines as it does without systemd. Root with what makes sandboxes: mounts, namespaces, control
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
