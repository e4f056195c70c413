import { closeSync, existsSync, rmSync } from 'node:fs';
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
import { ensureTemplate } from '#main/template/ensure.ts';
import { findKeeper, recordKeeper } from '#main/up/adopted-keeper.ts';
import { baseUrl } from '#main/up/announce.ts';
import { type ChildOptions, type RunningChild, startChild } from '#main/up/child.ts';
import { childEnvironment } from '#main/up/child-environment.ts';
import { isMountPoint, makeDataDirectory } from '#main/up/data-directory.ts';
import { openInstanceDatabase } from '#main/up/database.ts';
import { loadInstance } from '#main/up/instance.ts';
import { descriptorsOf, inheritedListeners, openListeners } from '#main/server/open-listeners.ts';
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
  const parts: Supervised[] = [];
  const changed = (): void =>
    writeStatus(paths, {
      pid: process.pid,
      url: baseUrl(config),
      port: config.port,
      release: basename(release),
      startedMs,
      // The server is the last to be named: before it, not all parts are there to be asked.
      ready: parts.at(-1)?.name === 'server' && parts.every((part) => part.state === 'ready'),
      setupPath,
      parts: parts.map(({ name, state, pid, restarts, problem }) => ({
        name,
        state,
        pid: pid ?? null,
        restarts,
        problem,
      })),
    });

  const listeners = openListeners(config);
  const sockets = descriptorsOf(listeners);
  const files = settleFiles(config, paths, users);
  const part = (name: string, start: () => Promise<Startable>): Supervised => {
    const supervised = supervise({ name, start, say, changed });
    parts.push(supervised);
    return supervised;
  };
  const database = await openInstanceDatabase({ config, paths, users, release, log });
  const postgres = database.start === null ? null : part('PostgreSQL', database.start);
  const [instance, templates, crun] = await Promise.all([
    loadInstance(paths),
    ensureTemplate(),
    runProgram('sh', ['-c', 'command -v crun']),
    // The longest of a first start; it needs nothing of the rest.
    postgres?.start(),
  ]).catch(async (error: unknown) => {
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
    listeners: inheritedListeners(listeners),
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

  const launcher = join(release, 'src/main/confine.ts');
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
    const running = await confined('server', {
      outlives: false,
      descriptors: sockets,
      onMessage(message) {
        if (message.type !== 'setup') return;
        setupPath = message.path;
        changed();
      },
    });
    return startable(running, 10_000);
  });

  const stop = async (everything: boolean): Promise<void> => {
    await server.stop();
    for (const fd of sockets) closeSync(fd);
    if (everything) warden?.send({ type: 'end-sandboxes' });
    await wardenPart.stop();
    if (everything) {
      await keeper.stop();
      rmSync(paths.keeperPid, { force: true });
      if (isMountPoint(paths.spool)) await runProgram('umount', [paths.spool]);
    }
    await postgres?.stop();
    changed();
  };

  try {
    const data = async (): Promise<void> => {
      const prepared = await database.prepare();
      if (prepared.applied.length > 0) say(`database: applied ${prepared.applied.length} migrations`);
      const urls = { app: prepared.app, auth: prepared.auth };
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
    await Promise.all([data().then(() => server.start()), sandboxes()]);
    say('server ready');
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
