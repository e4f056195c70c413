import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Log } from '#channel/log.ts';
import type { Config } from '#config/config.ts';
import {
  brokerConfinement,
  type ConfinementInputs,
  keeperConfinement,
  serverConfinement,
} from '#main/confine/specifications.ts';
import { holderPath } from '#main/confine/holder-path.ts';
import { sharedNetwork } from '#main/confine/shared-network.ts';
import { landlockVersion } from '#kernel/landlock.ts';
import { destinationSetsOf } from '#main/prepare/host-clients.ts';
import { runProgram } from '#main/prepare/program.ts';
import { serviceTasks } from '#main/service/launch-tasks.ts';
import { runOnHost } from '#main/service/launch-unit.ts';
import type { ServiceSettings } from '#main/service/settings.ts';
import { ensureTemplate } from '#main/template/ensure.ts';
import { type InstanceCertificates, instanceCertificates } from '#main/certificates/instance-certificates.ts';
import { findKeeper, recordKeeper } from '#main/up/adopted-keeper.ts';
import { baseUrl, localAddress } from '#main/up/announce.ts';
import type { RunningChild } from '#main/up/child.ts';
import { childEnvironment } from '#main/up/child-environment.ts';
import { isMountPoint, makeDataDirectory } from '#main/up/data-directory.ts';
import { openInstanceDatabase } from '#main/up/database.ts';
import { openEvidence } from '#main/up/evidence.ts';
import { loadInstance } from '#main/up/instance.ts';
import { answerListen } from '#main/up/listeners.ts';
import { openSocket } from '#main/up/open-socket.ts';
import type { DataPaths } from '#main/up/paths.ts';
import {
  brokerConfig,
  keeperConfig,
  type ProcessConfigInputs,
  serverConfig,
  wardenConfig,
  writeForGroup,
} from '#main/up/process-configs.ts';
import { settleFiles } from '#main/up/settle-files.ts';
import { processStarter } from '#main/up/start-process.ts';
import { writeStatus } from '#main/up/status.ts';
import { type Startable, type Supervised, supervise } from '#main/up/supervised.ts';
import { ensureUsers, type Identity } from '#main/up/users.ts';

export interface RunOptions {
  readonly config: Config;
  readonly paths: DataPaths;
  readonly release: string;
  readonly log: Log;
  readonly say: (text: string) => void;
  /** Where systemd supervises this process: its parts are units then. */
  readonly service: ServiceSettings | null;
}

/** An instance at work. */
export interface RunningInstance {
  /** Path of the set-up link, or null once an owner exists. */
  readonly setupPath: string | null;
  /** Ends the parts in reverse order. `everything` ends sandboxes and keeper too. */
  stop(everything: boolean): Promise<void>;
}

/** Brings up PostgreSQL, keeper, warden and server, and keeps them running. Throws when one cannot start. */
export async function runInstance({ config, paths, release, log, say, service }: RunOptions): Promise<RunningInstance> {
  const users = await ensureUsers();
  const onHost = service === null ? runProgram : runOnHost;
  const environment = childEnvironment(config.production);
  const tasks = service === null ? null : serviceTasks({ service, paths, release, environment });
  // Sandboxes and terminals of an earlier supervisor are at work, or were when the machine was last up.
  const goesOn = isMountPoint(paths.spool);
  await makeDataDirectory(paths, users, onHost);
  const startedMs = Date.now();
  let setupPath: string | null = null;
  let warden: RunningChild | undefined;
  let serverChild: RunningChild | undefined;
  const evidence = openEvidence(paths, say);
  // Assigned below; the first parts may tell of themselves before.
  let certificates: InstanceCertificates | undefined = undefined;
  const parts: Supervised[] = [];
  const changed = (): void =>
    writeStatus(paths, {
      pid: process.pid,
      url: baseUrl(config),
      localOrigin: localAddress(config).origin,
      port: config.port,
      release: basename(release),
      startedMs,
      // The server is the last to be named: before it, not all parts are there to be asked.
      ready: parts.at(-1)?.name === 'server' && parts.every((part) => part.state === 'ready'),
      setupPath,
      certificates:
        certificates?.state.map(({ names, endsMs, problem }) => ({ names: [...names], endsMs, problem })) ?? [],
      parts: parts.map(({ name, state, pid, restarts, problem }) => ({
        name,
        state,
        pid: pid ?? null,
        restarts,
        problem,
      })),
    });

  const files = settleFiles(config, paths, users);
  certificates = await instanceCertificates({
    ...{ config, paths, users, release, say, changed, tasks },
    tell: (message) => serverChild?.send(message),
  });
  const part = (name: string, start: () => Promise<Startable>): Supervised => {
    const supervised = supervise({ name, start, say, changed });
    parts.push(supervised);
    return supervised;
  };
  const database = await openInstanceDatabase({ config, paths, users, release, log });
  const postgres = database.start === null ? null : part('PostgreSQL', database.start);
  // The longest of a start; only the migrations and the server need it.
  const databaseRuns = Promise.resolve(postgres?.start());
  databaseRuns.catch(() => undefined);
  const [instance, templates, crun] = await Promise.all([
    loadInstance(paths),
    service?.template ?? ensureTemplate(),
    runProgram('sh', ['-c', 'command -v crun']),
  ]).catch(async (error: unknown) => {
    await databaseRuns.catch(() => undefined);
    await postgres?.stop();
    throw error;
  });
  const inputs: ProcessConfigInputs = {
    config: { ...config, caFile: files.caFile },
    paths,
    users,
    instance,
    release,
    templatesDirectory: templates.directory,
    sets: destinationSetsOf(templates.clients),
    runtimes: { crun: crun.trim() },
    holderProgram: service === null ? holderPath : paths.holderProgram,
  };
  const configFile = (name: string): string => join(paths.config, `${name}.json`);
  writeForGroup(configFile('keeper'), JSON.stringify(keeperConfig(inputs)), users.keeper.gid);
  writeForGroup(configFile('broker'), JSON.stringify(brokerConfig(inputs)), users.broker.gid);
  writeForGroup(configFile('warden'), JSON.stringify(wardenConfig(inputs)), 0);

  const inputsOf = (identity: Identity): ConfinementInputs => ({ paths, identity, release, environment });
  const starter = processStarter({ paths, release, environment, service });
  if (service === null) starter.confine('keeper', keeperConfinement(inputsOf(users.keeper)));
  starter.confine('broker', brokerConfinement(inputsOf(users.broker), files.caFile, brokerConfig(inputs)));

  const startable = (running: RunningChild, patienceMs: number): Startable => ({
    pid: running.pid,
    ended: running.ended,
    stop: () => running.stop(patienceMs),
  });
  const keeper = part('keeper', async () => {
    const adopted = await findKeeper(paths);
    if (adopted) {
      say('keeper: an earlier one is at work; its terminals go on');
      return adopted;
    }
    const running = await starter.keeper();
    recordKeeper(paths, running.pid);
    return startable(running, 5000);
  });
  const wardenPart = part('warden', async () => {
    warden = await starter.warden();
    return startable(warden, 30_000);
  });
  const server = part('server', async () => {
    serverChild = await starter.server({
      greetings: certificates?.greetings() ?? [],
      onMessage(message, reply) {
        evidence.hear(message, (answer) => {
          reply(answer).catch((error: unknown) => say(`no answer about a checkpoint: ${String(error)}`));
        });
        if (message.type === 'listen') {
          answerListen(message, config, tasks?.openSocket ?? openSocket, reply).catch((error: unknown) =>
            say(`no listener: ${String(error)}`),
          );
        }
        if (message.type !== 'setup') return;
        setupPath = message.path;
        changed();
      },
    });
    return startable(serverChild, 10_000);
  });

  const stop = async (everything: boolean): Promise<void> => {
    certificates?.[Symbol.dispose]();
    await server.stop();
    if (everything) warden?.send({ type: 'end-sandboxes' });
    await wardenPart.stop();
    if (everything) {
      await keeper.stop();
      rmSync(paths.keeperPid, { force: true });
      if (isMountPoint(paths.spool)) await onHost('umount', [paths.spool]);
    }
    await postgres?.stop();
    evidence[Symbol.dispose]();
    changed();
  };

  try {
    const data = async (): Promise<void> => {
      await databaseRuns;
      const prepared = await database.prepare();
      if (prepared.applied.length > 0) say(`database: applied ${prepared.applied.length} migrations`);
      const { applied: _applied, ...urls } = prepared;
      const content = serverConfig(inputs, urls, files.secretFile, files.ownerPasswordFile);
      writeForGroup(configFile('server'), JSON.stringify(content), users.server.gid);
      const confinement = serverConfinement(inputsOf(users.server), content);
      if (service === null) starter.confine('server', confinement);
      if (Array.isArray(confinement.connects) && confinement.connects.length > 0) {
        // A unit is not restricted by Landlock.
        say(sharedNetwork(confinement.connects, service === null ? landlockVersion() : null));
      }
      say('database ready');
    };
    const sandboxes = async (): Promise<void> => {
      await Promise.all([keeper.start(), wardenPart.start()]);
      say('keeper and warden ready');
    };
    // Nothing waits for another but the server for its database: each reaches the others' sockets when they are there.
    await Promise.all([data().then(() => server.start()), sandboxes(), databaseRuns.then(() => database.flushed())]);
    say('server ready');
    certificates.begin();
  } catch (error) {
    // What went on without us goes on for the release that works.
    await stop(!goesOn);
    throw error;
  }
  if (files.ownerPasswordFile) rmSync(files.ownerPasswordFile, { force: true });
  return {
    get setupPath() {
      return setupPath;
    },
    stop,
  };
}
