/**
 * The map of rooms: every folder of `src/`, what it is for, which rooms it may import, and which
 * npm packages and dangerous Node modules are legal in it. A folder that is not here is an error.
 */
export interface Room {
  /** Floor. Imports go down only; rooms on one floor are strangers. `process`: a program of its own. */
  readonly level: number | 'process';
  readonly purpose: string;
  readonly imports: readonly string[];
  /** Packages of `dependencies` that its code may import; tests may add those of `testPackages`. */
  readonly packages: readonly string[];
  /** Those of `dangerousModules` that are legal here. */
  readonly dangerous?: readonly string[];
}

const ground = ['base', 'contract'] as const;
const wires = ['channel', 'journal'] as const;

export const rooms: Readonly<Record<string, Room>> = {
  base: { level: 0, purpose: 'brands, ids, clock, bytes; knows no platform', imports: [], packages: [] },
  contract: { level: 1, purpose: 'what crosses a wire; no Node, no DOM', imports: ['base'], packages: ['zod'] },
  config: {
    level: 2,
    purpose: 'settings, parsed once into a frozen Config; unknown or weak ones stop the start',
    imports: ground,
    packages: ['zod'],
  },
  channel: { level: 2, purpose: 'calls between our processes, over Unix sockets', imports: ground, packages: ['zod'] },
  journal: {
    level: 2,
    purpose: 'local hash-chained journals, written before the act',
    imports: ground,
    packages: ['zod'],
  },
  seal: { level: 2, purpose: 'X25519 sealed boxes', imports: ground, packages: ['zod'] },
  kernel: { level: 2, purpose: 'Linux system calls', imports: ground, packages: ['koffi'] },
  vault: { level: 2, purpose: 'keys, envelope encryption, rotation', imports: ground, packages: ['zod'] },
  database: {
    level: 2,
    purpose: 'the only room that speaks SQL; withTenant() sets role and tenant',
    imports: ground,
    packages: ['zod', 'pg', 'drizzle-orm'],
  },
  audit: {
    level: 3,
    purpose: 'the append-only chained record; the only writer of its tables',
    imports: [...ground, ...wires, 'config', 'vault', 'database'],
    packages: ['zod'],
  },
  recordings: {
    level: 3,
    purpose: 'reads recordings with their key, verifies them without',
    imports: [...ground, 'seal'],
    packages: [],
  },
  access: {
    level: 4,
    purpose: 'decides; the only minter of Grant and TenantScope; denials are recorded',
    imports: [...ground, 'config', 'database', 'audit'],
    packages: ['zod'],
  },
  identity: {
    level: 5,
    purpose: 'accounts, sessions, teams, keys',
    imports: [...ground, 'config', 'vault', 'database', 'audit', 'access'],
    packages: ['zod', '@zxcvbn-ts/core', '@zxcvbn-ts/language-common', '@zxcvbn-ts/language-en'],
  },
  sandboxes: {
    level: 5,
    purpose: 'lifecycle, quotas, templates; asks the warden, runs nothing',
    imports: [...ground, ...wires, 'config', 'seal', 'vault', 'database', 'audit', 'access'],
    packages: ['zod'],
  },
  workspaces: {
    level: 6,
    purpose: 'git workspaces and their files',
    imports: [...ground, 'channel', 'config', 'database', 'audit', 'access', 'sandboxes'],
    packages: ['zod'],
  },
  terminals: {
    level: 6,
    purpose: 'attach, flow control, recordings, snapshots',
    imports: [
      ...ground,
      'channel',
      'config',
      'seal',
      'recordings',
      'vault',
      'database',
      'audit',
      'access',
      'sandboxes',
    ],
    packages: ['zod'],
  },
  http: {
    level: 7,
    purpose: 'Fastify: defineRoute, browser defences, WebSockets, error replies',
    imports: [...ground, 'config', 'audit', 'access', 'identity', 'sandboxes', 'workspaces', 'terminals'],
    packages: [
      'zod',
      'fastify',
      '@fastify/cookie',
      '@fastify/cors',
      '@fastify/helmet',
      '@fastify/rate-limit',
      '@fastify/static',
      '@fastify/websocket',
      'ws',
      'pino',
    ],
  },
  warden: {
    level: 'process',
    purpose: 'starts sandboxes; no database, no network listener',
    imports: [...ground, ...wires, 'config', 'kernel'],
    packages: ['zod'],
    dangerous: ['node:child_process'],
  },
  keeper: {
    level: 'process',
    purpose: 'owns the terminals and writes recordings; appends, cannot read',
    imports: [...ground, ...wires, 'config', 'seal', 'kernel'],
    packages: ['zod'],
    dangerous: ['node:child_process'],
  },
  broker: {
    level: 'process',
    purpose: 'the only way out of a sandbox; adds credentials',
    imports: [...ground, ...wires, 'config', 'seal'],
    packages: ['zod'],
  },
  main: {
    level: 8,
    purpose: 'composition roots; the only place that builds things',
    imports: [
      ...ground,
      ...wires,
      'config',
      'seal',
      'kernel',
      'vault',
      'database',
      'audit',
      'access',
      'identity',
      'sandboxes',
      'workspaces',
      'terminals',
      'http',
      'warden',
      'keeper',
      'broker',
    ],
    packages: ['zod', 'pino', 'acme-client', '@peculiar/x509'],
    dangerous: ['node:child_process', 'node:module'],
  },
};

/** Node modules that start programs or run text as code: legal only where a room says so. */
export const dangerousModules: readonly string[] = [
  'node:child_process',
  'node:cluster',
  'node:inspector',
  'node:inspector/promises',
  'node:module',
  'node:repl',
  'node:vm',
  'node:wasi',
];

/** Rooms that must run anywhere: no `node:` module at all outside their tests. */
export const neutralRooms: readonly string[] = ['base', 'contract'];

/** What tests may import besides their room's packages. */
export const testPackages: readonly string[] = ['fast-check', 'ws', 'pg'];

/** Symbols that may be imported in the named rooms only; elsewhere the import is an error. */
export const symbolRules: readonly { readonly symbol: string; readonly rooms: readonly string[] }[] = [
  { symbol: 'mintTenantScope', rooms: ['access', 'database'] },
];

/** Rooms that `web/` may import. */
export const webRooms: readonly string[] = ['base', 'contract'];
