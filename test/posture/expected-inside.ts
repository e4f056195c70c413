/** What `look-inside.ts` finds in a sandbox of the runtime crun, whatever the machine. */
const everybody = [
  'cgroup /',
  'descriptor 0 pipe',
  'descriptor 1 pipe',
  'descriptor 2 pipe',
  'device /dev/core link /proc/kcore',
  'device /dev/full c 1:7 0o666',
  'device /dev/null c 1:3 0o666',
  'device /dev/ptmx link pts/ptmx',
  'device /dev/pts/ptmx c 5:2 0o666',
  'device /dev/random c 1:8 0o666',
  'device /dev/stderr link /proc/self/fd/2',
  'device /dev/stdin link /proc/self/fd/0',
  'device /dev/stdout link /proc/self/fd/1',
  'device /dev/tty c 5:0 0o666',
  'device /dev/urandom c 1:9 0o666',
  'device /dev/zero c 1:5 0o666',
  'environment ANTHROPIC_API_KEY=casemate-adds-the-real-key-outside',
  'environment ANTHROPIC_BASE_URL=http://127.0.0.1:3128/anthropic',
  'environment HTTPS_PROXY=http://127.0.0.1:3128',
  'environment HTTP_PROXY=http://127.0.0.1:3128',
  'environment LANG=C.UTF-8',
  'environment NODE_USE_ENV_PROXY=1',
  'environment NODE_USE_SYSTEM_CA=1',
  'environment NO_PROXY=localhost,127.0.0.1,::1',
  'environment OPENAI_API_KEY=casemate-adds-the-real-key-outside',
  'environment OPENAI_BASE_URL=http://127.0.0.1:3128/openai/v1',
  'environment SHELL=/bin/bash',
  'environment http_proxy=http://127.0.0.1:3128',
  'environment https_proxy=http://127.0.0.1:3128',
  'environment no_proxy=localhost,127.0.0.1,::1',
  'host name sandbox',
  // Up, loopback, running.
  'interface lo 0x49',
  'limit Max core file size | 0 | 0 | bytes',
  'proc sys entries',
  'process oom_score_adj 0',
  'process setgroups allow',
  'socket tcp 0100007F:0C38 00000000:0000 0A',
  'status CapAmb 0000000000000000',
  'status CapInh 0000000000000000',
  'status Groups',
  'status NoNewPrivs 1',
  'status Seccomp 2',
  'status Seccomp_filters 1',
  'sys',
  'sysctl kernel/domainname (none)',
  'sysctl kernel/hostname sandbox',
  'sysctl net/ipv4/ip_forward 0',
  'sysctl net/ipv4/ip_unprivileged_port_start 1024',
  'sysctl user/max_user_namespaces 0',
  'umask 0o22',
];

const system = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const none = '0000000000000000';
/** CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE (capability.h). */
const small = '00000000000004fb';

const own = (name: string, id: number, home: string, path: string, capabilities: string): string[] => [
  `environment HOME=${home}`,
  `environment LOGNAME=${name}`,
  `environment PATH=${path}`,
  `environment USER=${name}`,
  `status Uid ${id} ${id} ${id} ${id}`,
  `status Gid ${id} ${id} ${id} ${id}`,
  ...['CapPrm', 'CapEff', 'CapBnd'].map((set) => `status ${set} ${capabilities}`),
];

export const expectedInside: Readonly<Record<'user' | 'root', readonly string[]>> = {
  user: [...everybody, ...own('user', 1000, '/home/user', `/home/user/.local/bin:${system}`, none)].toSorted(),
  root: [...everybody, ...own('root', 0, '/root', system, small)].toSorted(),
};

/** Facts that a kernel may lack or word otherwise: these may be there as they are, and nothing else of their kind. */
export const optionalInside: readonly RegExp[] = [
  /^address6 0{31}1 lo$/,
  /^address6 No directory$/,
  // With cgroup v1 in part, programs lie below the group of their sandbox where that is v2.
  /^cgroup \/exec-<name>$/,
  /^process (loginuid (4294967295|No such file or directory)|timens_offsets (monotonic 0 0 boottime 0 0|No such .*))$/,
  /^sysctl net\/ipv4\/ping_group_range (65534 65534|1 0)$/,
  /^sysctl net\/ipv6\/conf\/all\/forwarding (0|No such file or directory)$/,
  // Of the machine, and nothing that another guest or the host could be recognised by beyond its load and kernel.
  /^proc (cgroups|cpuinfo|crypto|devices|dma|execdomains|fb|filesystems|loadavg|locks|mdstat|meminfo|schedstat|stat) bytes$/,
  /^proc (swaps|uptime|version|version_signature|vmstat|dynamic_debug|kpagecount) bytes$/,
  /^proc (sysvipc|dynamic_debug) entries$/,
];
