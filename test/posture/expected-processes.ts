import type { Posture } from './read-posture.ts';

const none = { inheritable: 'none', permitted: 'none', effective: 'none', bounding: 'none', ambient: 'none' };
const readOnlyData = 'ro,nosuid,nodev,noexec';
const changeable = 'rw,nosuid,nodev,noexec';
const device = 'ro,nosuid,noexec';
const channel = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'];

/** A file system with Node (how: `code`), four devices, and what is said besides. */
const tree = (code: string, besides: Record<string, string>): Record<string, string> => ({
  '/': readOnlyData,
  '/dev/null': device,
  '/dev/random': device,
  '/dev/urandom': device,
  '/dev/zero': device,
  'DATA/release': readOnlyData,
  NODE: code,
  'NODE ADD-ONS': code,
  LIBRARIES: code,
  ...besides,
});

const confined: Omit<Posture, 'user' | 'filters' | 'ownNamespaces' | 'mounts' | 'descriptors'> = {
  groups: 'its own',
  capabilities: none,
  noNewPrivileges: true,
  coreBytes: '0',
  environment: ['LANG', 'MALLOC_ARENA_MAX', ...channel, 'PATH'],
  controlGroups: "the supervisor's",
  threads: [],
  listens: 0,
};

const keeperTree = tree(readOnlyData, {
  '/holder': 'ro,nosuid,nodev',
  '/proc': readOnlyData,
  'DATA/config/keeper.json': readOnlyData,
  'DATA/keeper/journal': changeable,
  'DATA/recordings': changeable,
  'DATA/run/keeper': changeable,
  'DATA/spool': changeable,
});

/** Every process of an instance. A new one is a new row. */
export const expectedProcesses: Readonly<Record<string, Posture>> = {
  server: {
    ...confined,
    user: 'casemate-server',
    // denyExecve, and denySurface.
    filters: 2,
    ownNamespaces: ['ipc', 'mnt', 'net'],
    mounts: tree('ro,nosuid,nodev', {
      'DATA/config/server.json': readOnlyData,
      'DATA/config/server.secret': readOnlyData,
      'DATA/recordings': readOnlyData,
      'DATA/run/broker': readOnlyData,
      'DATA/run/keeper': readOnlyData,
      'DATA/run/pg': readOnlyData,
      'DATA/run/warden': readOnlyData,
      'DATA/run/server': changeable,
      'DATA/server/vault': changeable,
    }),
    descriptors: ['/dev/null', 'DATA/log/server.log', 'sockets'],
    listens: 1,
  },
  broker: {
    ...confined,
    user: 'casemate-broker',
    filters: 2,
    ownNamespaces: ['ipc', 'mnt'],
    mounts: tree('ro,nosuid,nodev', {
      'DATA/config/broker.json': readOnlyData,
      'DATA/broker': changeable,
      'DATA/run/broker': changeable,
    }),
    descriptors: ['/dev/null', 'DATA/log/warden.log', 'sockets'],
  },
  keeper: {
    ...confined,
    user: 'casemate-keeper',
    // It starts holders, the only program that its mounts execute.
    filters: 1,
    ownNamespaces: ['ipc', 'mnt', 'net'],
    mounts: keeperTree,
    descriptors: [
      '/dev/null',
      'DATA/keeper/journal/*',
      'DATA/log/keeper.log',
      'DATA/recordings/*.rec',
      'DATA/spool/*/*',
      'PTY',
      'anon_inode:[pidfd]',
      'sockets',
    ],
  },
  holder: {
    ...confined,
    user: 'casemate-keeper',
    filters: 1,
    ownNamespaces: ['ipc', 'mnt', 'net'],
    mounts: keeperTree,
    descriptors: ['/dev/null', 'PTY'],
    environment: ['CASEMATE_SPOOL', 'CASEMATE_TERMINAL'],
  },
  postgres: {
    ...confined,
    user: 'casemate-pg',
    filters: 0,
    ownNamespaces: [],
    mounts: 'host',
    descriptors: ['/dev/null', '/dev/random', '/dev/urandom', 'anon_inode:[signalfd]', 'sockets'],
    environment: ['LC_ALL', 'PATH', 'TZ'],
  },
  warden: {
    ...confined,
    user: 'root',
    // wardenCapabilities of main/confine.
    capabilities: {
      ...none,
      permitted: '0000000088ac11ff',
      effective: '0000000088ac11ff',
      bounding: '0000000088ac11ff',
    },
    noNewPrivileges: false,
    filters: 0,
    ownNamespaces: [],
    mounts: 'host',
    descriptors: ['/dev/null', 'DATA/log/warden.log', 'DATA/warden/ranges/bindings.jsonl', 'net:[*', 'sockets'],
  },
  up: {
    ...confined,
    user: 'root',
    capabilities: { ...none, permitted: 'all', effective: 'all', bounding: 'all' },
    noNewPrivileges: false,
    filters: 0,
    ownNamespaces: [],
    mounts: 'host',
    descriptors: [
      '/dev/null',
      ...['keeper', 'server', 'up', 'warden'].map((name) => `DATA/log/${name}.log`),
      'DATA/run/up/lock',
      'sockets',
    ],
    environment: ["its caller's"],
  },
};
