import { existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Log } from '#channel/log.ts';
import type { Config } from '#config/config.ts';
import type { Confinement } from '#config/confinement.ts';
import {
  brokerConfinement,
  type ConfinementInputs,
  keeperConfinement,
  serverConfinement,
} from '#main/confine/specifications.ts';
import { sharedNetwork } from '#main/confine/shared-network.ts';
import { wardenCommand } from '#main/confine/warden-command.ts';
import { landlockVersion } from '#kernel/landlock.ts';
import { destinationSetsOf } from '#main/prepare/host-clients.ts';
import { runProgram } from '#main/prepare/program.ts';
import { entryOf } from '#main/running-code.ts';
import { ensureTemplate } from '#main/template/ensure.ts';
import { type InstanceCertificates, instanceCertificates } from '#main/certificates/instance-certificates.ts';
import { findKeeper, recordKeeper } from '#main/up/adopted-keeper.ts';
import { baseUrl, localAddress } from '#main/up/announce.ts';
import { type ChildOptions, type RunningChild, startChild } from '#main/up/child.ts';
import { childEnvironment } from '#main/up/child-environment.ts';
import { isMountPoint, makeDataDirectory } from '#main/up/data-directory.ts';
import { openInstanceDatabase } from '#main/up/database.ts';
import { openEvidence } from '#main/up/evidence.ts';
import { loadInstance } from '#main/up/instance.ts';
import { answerListen } from '#main/up/listeners.ts';
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
import { writeStatus } from '#main/up/status.ts';
import { type Startable, type Supervised, supervise } from '#main/up/supervised.ts';
import { ensureUsers, type Identity } from '#main/up/users.ts';

const readinessMs = 60_000;

export interface RunOptions {
  readonly config: Config;
  readonly paths: DataPaths;
  readonly release: string;
  readonly log: Log;
  readonly say: (text: string) => void;
}

/** An instance at work. */
export interface RunningInstance {
  /** Path of the set-up link, or null once an owner exists. */
  readonly setupPath: string | null;
  /** Ends the parts in reverse order. `everything` ends sandboxes and keeper too. */
  stop(everything: boolean): Promise<void>;
}

/** Brings up PostgreSQL, keeper, warden and server, and keeps them running. Throws when one cannot start. */
export async function runInstance({ config, paths, release, log, say }: RunOptions): Promise<RunningInstance> {
  const users = await ensureUsers();
  await makeDataDirectory(paths, users);
  const startedMs = Date.now();
  let setupPath: string | null = null;
  let warden: RunningChild | undefined;
  let serverChild: RunningChild | undefined;
  const evidence = openEvidence(paths, say);
  // Assigned below; the first parts may tell of themselves before.
  let certificates: InstanceCertificates | undefined = undefined;
  const parts: Supervised[] = [];
  const tellStatus = (): void =>
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

  let retry: NodeJS.Timeout | undefined;
  // A disk without room must keep nobody from starting again what ended; the file is right a little later.
  const changed = (): void => {
    clearTimeout(retry);
    try {
      tellStatus();
    } catch (error) {
      log.warn({ err: error }, 'the status could not be written; it is tried again');
      retry = setTimeout(changed, 1000).unref();
    }
  };

  const files = settleFiles(config, paths, users);
  certificates = await instanceCertificates({
    ...{ config, paths, users, release, say, changed },
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
    ensureTemplate(),
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
  };
  const configFile = (name: string): string => join(paths.config, `${name}.json`);
  const confinementFile = (name: string): string => join(paths.config, `${name}.confinement.json`);
  writeForGroup(configFile('keeper'), JSON.stringify(keeperConfig(inputs)), users.keeper.gid);
  writeForGroup(configFile('broker'), JSON.stringify(brokerConfig(inputs)), users.broker.gid);
  writeForGroup(configFile('warden'), JSON.stringify(wardenConfig(inputs)), 0);

  const environment = childEnvironment(config.production);
  const inputsOf = (identity: Identity): ConfinementInputs => ({ paths, identity, release, environment });
  const confine = (name: string, confinement: Confinement): void =>
    writeForGroup(confinementFile(name), JSON.stringify(confinement), 0);
  confine('keeper', keeperConfinement(inputsOf(users.keeper)));
  confine('broker', brokerConfinement(inputsOf(users.broker), files.caFile));

  const launcher = entryOf(release, 'confine');
  const confined = (
    name: string,
    more: Pick<ChildOptions, 'outlives'> & Partial<ChildOptions>,
  ): Promise<RunningChild> =>
    startChild({
      name,
      command: [process.execPath, launcher, confinementFile(name)],
      cwd: '/',
      environment,
      readinessMs,
      logDirectory: paths.log,
      ...more,
    });
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
    const running = await confined('keeper', {
      outlives: true,
      async settle(pid) {
        await runProgram(process.execPath, [launcher, 'seal', String(pid)], { environment });
      },
    });
    recordKeeper(paths, running.pid);
    return startable(running, 5000);
  });
  const wardenPart = part('warden', async () => {
    warden = await startChild({
      name: 'warden',
      command: wardenCommand(release, configFile('warden')),
      cwd: '/',
      environment,
      readinessMs,
      logDirectory: paths.log,
      outlives: false,
    });
    return startable(warden, 30_000);
  });
  const server = part('server', async () => {
    serverChild = await confined('server', {
      outlives: false,
      greetings: certificates?.greetings() ?? [],
      onMessage(message, reply) {
        evidence.hear(message, (answer) => {
          reply(answer).catch((error: unknown) => say(`no answer about a checkpoint: ${String(error)}`));
        });
        if (message.type === 'listen') {
          answerListen(message, config, reply).catch((error: unknown) => say(`no listener: ${String(error)}`));
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
      if (isMountPoint(paths.spool)) await runProgram('umount', [paths.spool]);
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
      confine('server', confinement);
      if (Array.isArray(confinement.connects) && confinement.connects.length > 0) {
        say(sharedNetwork(confinement.connects, landlockVersion()));
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
    await stop(!existsSync(join(paths.run.up, 'detached')));
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
