import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Confinement } from '#config/confinement.ts';
import { brokerYoungMiB, usualYoungMiB } from '#config/process-memory.ts';
import type { BrokerConfig, ServerConfig } from '#config/process.ts';
import { entryOf } from '#main/running-code.ts';
import type { DataPaths } from '#main/up/paths.ts';
import type { Identity } from '#main/up/users.ts';

/** What the confinement of any of the processes is made from. */
export interface ConfinementInputs {
  readonly paths: DataPaths;
  readonly identity: Identity;
  /** Root of the code that runs: what its entry imports lies below it. */
  readonly release: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The tree of a release, and its packages where they lie elsewhere. */
export function codeOf(release: string): string[] {
  const modules = realpathSync(join(release, 'node_modules'));
  return modules.startsWith(`${release}/`) ? [release] : [release, modules];
}

function common(name: string, { paths, identity, release, environment }: ConfinementInputs) {
  const configFile = join(paths.config, `${name}.json`);
  const extra = environment['NODE_EXTRA_CA_CERTS'];
  return {
    program: [entryOf(release, name), configFile],
    youngMiB: usualYoungMiB,
    uid: identity.uid,
    gid: identity.gid,
    environment,
    readable: [...codeOf(release), configFile, ...(extra === undefined ? [] : [extra])],
  };
}

export function serverConfinement(inputs: ConfinementInputs, server: ServerConfig): Confinement {
  const { paths } = inputs;
  const base = common('server', inputs);
  const place = databasePlace(server.database.request);
  const overTcp = 'port' in place;
  return {
    ...base,
    deathSignal: 'SIGTERM',
    network: overTcp ? 'host' : 'own',
    readable: [
      ...base.readable,
      server.secretFile,
      ...(server.owner === null ? [] : [server.owner.passwordFile]),
      paths.run.warden,
      paths.run.keeper,
      paths.run.broker,
      ...(overTcp ? [] : [place.directory]),
      paths.recordings,
    ],
    writable: [paths.run.server, server.vaultDirectory],
    resolvesNames: overTcp,
    startsHolders: false,
    connects: overTcp ? [place.port] : [],
  };
}

/** `caFile` as it was settled; the doors for processes are where `broker` says. */
export function brokerConfinement(
  inputs: ConfinementInputs,
  caFile: string | null,
  broker: Pick<BrokerConfig, 'processDoors'>,
): Confinement {
  const { paths } = inputs;
  const base = common('broker', inputs);
  return {
    ...base,
    youngMiB: brokerYoungMiB,
    deathSignal: 'SIGKILL',
    network: 'host',
    readable: [...base.readable, ...(caFile === null ? [] : [caFile])],
    writable: [paths.run.broker, paths.broker, ...broker.processDoors.map(({ socket }) => dirname(socket))],
    resolvesNames: true,
    startsHolders: false,
    connects: 'any',
  };
}

export function keeperConfinement(inputs: ConfinementInputs): Confinement {
  const { paths } = inputs;
  return {
    ...common('keeper', inputs),
    deathSignal: null,
    network: 'own',
    writable: [paths.run.keeper, paths.spool, paths.recordings, join(paths.keeper, 'journal')],
    resolvesNames: false,
    startsHolders: true,
    connects: null,
  };
}

/** Where a database is reached: the port, over TCP, or the directory of its Unix socket. */
export function databasePlace(databaseUrl: string): { readonly port: number } | { readonly directory: string } {
  const url = new URL(databaseUrl);
  // A socket's directory is given as the host, percent-encoded, or as the parameter `host`.
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  return host.startsWith('/') ? { directory: host } : { port: Number(url.port || 5432) };
}
