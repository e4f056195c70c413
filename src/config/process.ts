import { z } from 'zod';
import { destinationSchema, destinationSets } from '#contract/policy.ts';
import { resourcesSchema, tierSchema } from '#contract/warden.ts';

/**
 * What `up` tells each process: a JSON file, written by root and readable by that process alone,
 * whose path is the only argument of its composition root. Directories exist already, with owners
 * and modes set, when a process starts.
 */
const directory = z.string().startsWith('/');

export const keeperConfigSchema = z.strictObject({
  /** `keeper.sock` is made here (set-gid to the server's group), and `console/` below it. */
  runDirectory: directory,
  /** On tmpfs, 0700. */
  spoolDirectory: directory,
  /** `<terminal id>.rec`, readable by the server's group. */
  recordingsDirectory: directory,
  journalDirectory: directory,
  /** Of each team's recordings: all of them, and what is added a second over a burst. */
  teamBudget: z.strictObject({
    totalBytes: z.number().int().min(1),
    bytesPerSecond: z.number().int().min(1),
    burstBytes: z.number().int().min(1),
  }),
  /** Nothing is recorded, so that programs wait, below this much room on the host. */
  reserveMiB: z.number().int().min(0),
  /** The only program that the keeper can start (`keeper/holder-program.ts`). */
  holderProgram: directory,
});
export type KeeperConfig = z.infer<typeof keeperConfigSchema>;

export const brokerConfigSchema = z.strictObject({
  /** `broker.sock` is made here. */
  runDirectory: directory,
  /** Private key, sealed secrets, policies; 0700. */
  stateDirectory: directory,
  journalDirectory: directory,
  /** The operator's exceptions to the address guard. */
  privateDestinations: z.array(z.strictObject({ host: z.string(), port: z.number().int() })),
  sets: z.record(z.enum(destinationSets), z.array(destinationSchema)),
  /** Additional certificate authority, PEM. */
  caFile: z.string().nullable(),
  /** Ways out of our own processes: a Unix socket each, which admits one uid, and what it may reach (H12). */
  processDoors: z.array(
    z.strictObject({
      process: z.string(),
      uid: z.number().int(),
      socket: z.string().startsWith('/'),
      destinations: z.array(z.strictObject({ host: z.string(), port: z.number().int() })),
    }),
  ),
});
export type BrokerConfig = z.infer<typeof brokerConfigSchema>;

const count = z.number().int().min(1);
/**
 * Hard maxima of what the warden does at once, whatever the server asks for (H5). `perTeam` keeps one
 * team, or one stolen server that speaks for it, from taking what the others need.
 */
export const wardenLimitsSchema = z.strictObject({
  /** Programs and terminals that run, work on files under way, connections to ports. */
  programs: count.default(512),
  fileActs: count.default(128),
  ports: count.default(1024),
  /** Processes that work on files; each takes about 50 MiB while it lives. */
  fileProcesses: count.default(12),
  /** Work on files that does not answer for so long is broken off. */
  fileStallMs: z.number().int().min(100).default(15_000),
  /** Ids that are bound to teams for good. */
  bindings: count.default(1_000_000),
  perTeam: z
    .strictObject({
      sandboxes: count.default(40),
      programs: count.default(256),
      fileActs: count.default(64),
      ports: count.default(512),
      fileProcesses: count.default(6),
    })
    .prefault({}),
});

export const wardenConfigSchema = z.strictObject({
  /** Names cgroups and network doors of this instance: `[a-z0-9]{8}`. */
  instance: z.string().regex(/^[a-z0-9]{8}$/),
  /** `warden.sock` is made here. */
  runDirectory: directory,
  /** Only this uid may speak to the warden (SO_PEERCRED). */
  serverUid: z.number().int(),
  /** `sandboxes/`, `disks/`, `ranges/`; root, 0700. */
  stateDirectory: directory,
  /** `<template>/rootfs`, root-owned, files owned by uid 0..65535 as in the image. */
  templatesDirectory: directory,
  journalDirectory: directory,
  keeperConsoleDirectory: directory,
  /** First uid given to sandboxes, and how many ranges of 65,536 there are. */
  uidRanges: z.strictObject({ first: z.number().int().min(100_000), count: z.number().int().min(1) }),
  maximumResources: resourcesSchema,
  maximumSandboxes: z.number().int().min(1),
  limits: wardenLimitsSchema.prefault({}),
  /** Refuse new sandboxes and disks below this much room on the host. */
  reserveMiB: z.number().int().min(0),
  runtimes: z.partialRecord(tierSchema, z.string().startsWith('/')),
  /** How the broker is started: `main/confine.ts`, and what it is told (`config/confinement.ts`). */
  broker: z.strictObject({ launcher: z.string().startsWith('/'), confinement: z.string().startsWith('/') }),
});
export type WardenConfig = z.infer<typeof wardenConfigSchema>;

export const serverConfigSchema = z.strictObject({
  host: z.string(),
  port: z.number().int().min(0).max(65_535),
  production: z.boolean(),
  /** TLS ends in this process; its certificates come from `up` over IPC, never from a file. */
  tls: z.boolean(),
  /** Under TLS: the port that sends plain HTTP on. */
  httpPort: z.number().int().min(1).max(65_535).nullable(),
  /** The origin that plain HTTP is sent on to. */
  publicOrigin: z.string().nullable(),
  /** `supervisor`: `up` opens listening sockets, which may be ports that only root can have. */
  listeners: z.enum(['own', 'supervisor']),
  /** Host names (with port where not the default) that the app answers for; others get 421. */
  appHosts: z.array(z.string()).min(1),
  allowedOrigins: z.array(z.string()),
  trustProxy: z.array(z.string()),
  secureCookies: z.boolean(),
  rateLimit: z.strictObject({ windowMs: z.number().int().min(1000), maximum: z.number().int().min(1) }),
  session: z.strictObject({
    idleMinutes: z.number().int().min(1),
    absoluteHours: z.number().int().min(1),
    maximumConcurrent: z.number().int().min(1),
  }),
  maintenance: z.boolean(),
  /** Built pages. */
  webDirectory: directory,
  /** `admin.sock` is made here; 0700. */
  runDirectory: directory,
  /** Vault keys; 0700. */
  vaultDirectory: directory,
  recordingsDirectory: directory,
  wardenSocket: z.string(),
  keeperSocket: z.string(),
  brokerSocket: z.string(),
  /** Connection strings of the three logins, never the owner's; `contextKey` proves for which team a transaction acts. */
  database: z.strictObject({ request: z.string(), jobs: z.string(), auth: z.string(), contextKey: z.string() }),
  /** HKDF root for tickets and CSRF; at least 32 characters. */
  secretFile: z.string(),
  /** Owner made without a browser, at first start. */
  owner: z.strictObject({ email: z.string(), passwordFile: z.string() }).nullable(),
  defaultResources: resourcesSchema,
  idleStopMinutes: z.number().int().min(1),
  /** The same as the broker's, so that a clone outside the policy is refused before anything starts. */
  sets: z.record(z.enum(destinationSets), z.array(destinationSchema)),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
});
export type ServerConfig = z.infer<typeof serverConfigSchema>;
