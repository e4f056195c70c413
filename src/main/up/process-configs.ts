import { chmodSync, chownSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Config } from '#config/config.ts';
import type { DestinationSets } from '#config/destinations.ts';
import { endsTls, publicOrigin, usesAcme } from '#config/tls.ts';
import {
  type BrokerConfig,
  type KeeperConfig,
  type ServerConfig,
  type WardenConfig,
  wardenLimitsSchema,
} from '#config/process.ts';
import type { Resources } from '#contract/warden.ts';
import { entryOf } from '#main/running-code.ts';
import type { Instance } from '#main/up/instance.ts';
import type { DataPaths } from '#main/up/paths.ts';
import { tunnelPort } from '#main/up/tunnel.ts';
import type { Users } from '#main/up/users.ts';

export interface ProcessConfigInputs {
  readonly config: Config;
  readonly paths: DataPaths;
  readonly users: Users;
  readonly instance: Instance;
  readonly release: string;
  readonly templatesDirectory: string;
  readonly sets: DestinationSets;
  readonly runtimes: WardenConfig['runtimes'];
  /** Where the keeper finds it. */
  readonly holderProgram: string;
}

const mebibyte = 1_048_576;
const inodesPerDisk = 1_000_000;

/** What a sandbox gets, bounded by what the machine has. */
function defaultResources(config: Config): Resources {
  const machineMiB = Math.floor((totalmem() / 1_048_576) * 0.75);
  return {
    memoryMiB: Math.max(64, Math.min(config.sandboxMemoryMiB, machineMiB)),
    cpuPercent: Math.min(config.sandboxCpuPercent, availableParallelism() * 100),
    processes: config.sandboxProcesses,
    diskMiB: config.sandboxDiskMiB,
    inodes: inodesPerDisk,
  };
}

export function keeperConfig({ config, paths, holderProgram }: ProcessConfigInputs): KeeperConfig {
  return {
    runDirectory: paths.run.keeper,
    spoolDirectory: paths.spool,
    recordingsDirectory: paths.recordings,
    journalDirectory: join(paths.keeper, 'journal'),
    teamBudget: {
      totalBytes: config.teamRecordingsMiB * mebibyte,
      bytesPerSecond: config.teamRecordingRate * mebibyte,
      burstBytes: 1024 * mebibyte,
    },
    reserveMiB: Math.floor(config.reserveMiB / 2),
    holderProgram,
  };
}

export function brokerConfig({ config, paths, sets, users }: ProcessConfigInputs): BrokerConfig {
  return {
    runDirectory: paths.run.broker,
    stateDirectory: paths.broker,
    journalDirectory: join(paths.broker, 'journal'),
    privateDestinations: config.privateDestinations.map(({ host, port }) => ({ host, port })),
    sets,
    caFile: config.caFile,
    processDoors: usesAcme(config)
      ? [
          {
            process: 'certificates',
            uid: users.acme.uid,
            socket: join(paths.run.certificates, 'door.sock'),
            destinations: [authorityOf(config.acmeDirectory)],
          },
        ]
      : [],
  };
}

/** Host and port of an https:// URL. */
function authorityOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: port === '' ? 443 : Number(port) };
}

export function wardenConfig(inputs: ProcessConfigInputs): WardenConfig {
  const { config, paths, users, instance } = inputs;
  return {
    instance: instance.name,
    runDirectory: paths.run.warden,
    serverUid: users.server.uid,
    stateDirectory: paths.warden,
    templatesDirectory: inputs.templatesDirectory,
    journalDirectory: join(paths.warden, 'journal'),
    keeperConsoleDirectory: paths.run.console,
    uidRanges: instance.uidRanges,
    maximumResources: defaultResources(config),
    maximumSandboxes: config.maximumSandboxes,
    limits: wardenLimitsSchema.parse({}),
    reserveMiB: config.reserveMiB,
    runtimes: inputs.runtimes,
    broker: {
      launcher: entryOf(inputs.release, 'confine'),
      confinement: join(paths.config, 'broker.confinement.json'),
    },
  };
}

/** `localhost:3014`; the port is left out where it is the scheme's own. */
const hostName = (host: string, port: number): string => (port === 80 || port === 443 ? host : `${host}:${port}`);

export function serverConfig(
  inputs: ProcessConfigInputs,
  database: ServerConfig['database'],
  secretFile: string,
  ownerPasswordFile: string | null,
): ServerConfig {
  const { config, paths, sets } = inputs;
  const tls = endsTls(config);
  const origin = publicOrigin(config);
  const named = config.domain === null ? [] : [hostName(config.domain, config.port)];
  const ports = [config.port, ...(tls && config.httpPort !== null ? [config.httpPort] : [])];
  const loopback = [...ports, ...ports.map(tunnelPort)].flatMap((port) =>
    ['localhost', '127.0.0.1', '[::1]'].map((host) => hostName(host, port)),
  );
  return {
    host: config.host,
    port: config.port,
    production: config.production,
    tls,
    httpPort: tls ? config.httpPort : null,
    publicOrigin: origin,
    listeners: 'supervisor',
    appHosts: [...new Set([...(origin === null ? [] : [new URL(origin).host]), ...named, ...loopback])],
    allowedOrigins: [...new Set([...(origin === null ? [] : [origin]), ...config.allowedOrigins])],
    trustProxy: [...config.trustProxy],
    secureCookies: config.secureCookies || config.httpsOnly,
    rateLimit: { windowMs: config.rateLimitWindowMs, maximum: config.rateLimitMaximum },
    session: {
      idleMinutes: config.sessionIdleMinutes,
      absoluteHours: config.sessionAbsoluteHours,
      maximumConcurrent: config.maximumSessions,
    },
    maintenance: config.maintenance,
    webDirectory: join(inputs.release, 'web/dist'),
    runDirectory: paths.run.server,
    vaultDirectory: join(paths.server, 'vault'),
    recordingsDirectory: paths.recordings,
    wardenSocket: join(paths.run.warden, 'warden.sock'),
    keeperSocket: join(paths.run.keeper, 'keeper.sock'),
    brokerSocket: join(paths.run.broker, 'broker.sock'),
    database,
    secretFile,
    owner:
      config.ownerEmail === null || ownerPasswordFile === null
        ? null
        : { email: config.ownerEmail, passwordFile: ownerPasswordFile },
    defaultResources: defaultResources(config),
    idleStopMinutes: config.idleStopMinutes,
    sets,
    logLevel: config.logLevel,
  };
}

/** Writes a file that root owns and one group reads, replacing it in one step. */
export function writeForGroup(path: string, content: string, gid: number): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, content, { mode: 0o640 });
  // The umask may have taken the group's bit away.
  chmodSync(fresh, 0o640);
  chownSync(fresh, 0, gid);
  renameSync(fresh, path);
}
