import { holderPath } from '#main/confine/holder-path.ts';
import { brokerConfinement } from '#main/confine/specifications.ts';
import { wardenCommand } from '#main/confine/warden-command.ts';
import { runningRelease } from '#main/running-code.ts';
import { childEnvironment } from '#main/up/child-environment.ts';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Channel, connectChannel } from '#channel/connect.ts';
import type { Config } from '#config/config.ts';
import { type WardenConfig, wardenConfigSchema } from '#config/process.ts';
import { destinationSets } from '#contract/policy.ts';
import { endSandboxesSchema } from '#contract/supervision.ts';
import { wardenMethods } from '#contract/warden.ts';
import { inCache } from '#main/prepare/cache.ts';
import { runProgram } from '#main/prepare/program.ts';
import { startChild } from '#main/up/child.ts';
import { makeDataDirectory } from '#main/up/data-directory.ts';
import { loadInstance } from '#main/up/instance.ts';
import { isLocked } from '#main/up/lock.ts';
import { dataPaths } from '#main/up/paths.ts';
import { brokerConfig, wardenConfig, writeForGroup } from '#main/up/process-configs.ts';
import { ensureUsers } from '#main/up/users.ts';

/** A warden to attack, and which one it is. */
export interface ReachedWarden extends AsyncDisposable {
  readonly warden: Channel<typeof wardenMethods>;
  readonly which: string;
}

const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const connectPatienceMs = 5000;

/** The warden of the instance that runs with this configuration, or one of its own until it is disposed. Needs root. */
export async function reachWarden(config: Config): Promise<ReachedWarden> {
  const paths = dataPaths(config.data);
  if (!isLocked(paths)) return startTemporaryWarden(config);
  const file = join(paths.config, 'warden.json');
  const channel = await connectAsServer(wardenConfigSchema.parse(JSON.parse(readFileSync(file, 'utf8'))));
  return {
    warden: channel,
    which: `the instance of ${config.data}`,
    [Symbol.asyncDispose]: () => Promise.resolve(channel.close()),
  };
}

/**
 * The warden admits one uid, that of the server: this process takes it for as long as connecting takes
 * (SO_PEERCRED keeps what it was then).
 */
async function connectAsServer(config: WardenConfig): Promise<Channel<typeof wardenMethods>> {
  if (!process.seteuid || !process.setegid) throw new Error('this system has no user ids');
  // The socket's directory is open to the server's group.
  process.setegid(statSync(config.runDirectory).gid);
  process.seteuid(config.serverUid);
  try {
    const channel = connectChannel(wardenMethods, { path: join(config.runDirectory, 'warden.sock'), log });
    const deadline = Date.now() + connectPatienceMs;
    while (!channel.connected) {
      if (Date.now() > deadline) {
        channel.close();
        throw new Error('the warden does not answer; `./casemate status` shows how it is');
      }
      await wait(5);
    }
    return channel;
  } finally {
    process.seteuid(0);
    process.setegid(0);
  }
}

/** A warden and a broker without allowed destinations, in a directory that goes with them. */
async function startTemporaryWarden(config: Config): Promise<ReachedWarden> {
  if (!existsSync(inCache('templates/base/rootfs'))) {
    throw new Error('there is no template to make a sandbox of yet: `./casemate up` builds it');
  }
  const crun = (await runProgram('sh', ['-c', 'command -v crun']).catch(() => '')).trim();
  if (crun === '') throw new Error('crun is not installed: `./casemate up` installs what is missing');
  const data = await mkdtemp('/var/lib/casemate-attack-');
  const paths = dataPaths(data);
  const users = await ensureUsers();
  try {
    await makeDataDirectory(paths, users);
    const release = runningRelease;
    const inputs = {
      ...{ config, paths, users, release, instance: await loadInstance(paths) },
      templatesDirectory: inCache('templates'),
      sets: Object.fromEntries(destinationSets.map((name) => [name, []])) as never,
      runtimes: { crun },
      holderProgram: holderPath,
    };
    const own = wardenConfig(inputs);
    writeForGroup(join(paths.config, 'broker.json'), JSON.stringify(brokerConfig(inputs)), users.broker.gid);
    writeForGroup(join(paths.config, 'warden.json'), JSON.stringify(own), 0);
    const environment = childEnvironment(false);
    const confinement = brokerConfinement(
      { paths, identity: users.broker, release, environment },
      null,
      brokerConfig(inputs),
    );
    writeForGroup(join(paths.config, 'broker.confinement.json'), JSON.stringify(confinement), 0);
    const child = await startChild({
      ...{ name: 'warden', cwd: '/', logDirectory: paths.log, outlives: false, environment },
      command: wardenCommand(release, join(paths.config, 'warden.json')),
      readinessMs: 30_000,
    });
    const channel = await connectAsServer(own).catch(async (error: unknown) => {
      await child.stop(30_000);
      throw error;
    });
    return {
      warden: channel,
      which: 'a warden of its own, because no instance runs',
      async [Symbol.asyncDispose]() {
        channel.close();
        child.send(endSandboxesSchema.parse({ type: 'end-sandboxes' }));
        await child.stop(30_000);
        await removeData();
      },
    };
  } catch (error) {
    await removeData();
    throw error;
  }

  async function removeData(): Promise<void> {
    await runProgram('umount', [paths.spool]).catch(() => '');
    await rm(data, { recursive: true, force: true });
  }
}
