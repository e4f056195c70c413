import { mkdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import type { TeamId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { serveChannel } from '#channel/serve.ts';
import type { WardenConfig } from '#config/process.ts';
import { type Tier, wardenMethods } from '#contract/warden.ts';
import { openJournal } from '#journal/journal.ts';
import { mount, mountFlags, unmount } from '#kernel/mount.ts';
import { peerCredentials } from '#kernel/peer-credentials.ts';
import { becomeSubreaper } from '#kernel/pidfd.ts';
import { openBindings } from '#warden/bindings.ts';
import { startBroker } from '#warden/broker/broker-child.ts';
import { createControlGroups } from '#warden/cgroup/control-groups.ts';
import { findHierarchies } from '#warden/cgroup/hierarchies.ts';
import { weighIo } from '#warden/cgroup/io-weight.ts';
import { makeDiskImage, requireReserve } from '#warden/disk/disk-image.ts';
import { createImageStock } from '#warden/disk/image-stock.ts';
import { createEvents } from '#warden/events.ts';
import { createGuestFiles } from '#warden/files/guest-files.ts';
import { wardenHandlers } from '#warden/handlers.ts';
import { layoutOf, makeLayout } from '#warden/layout.ts';
import { withLimits } from '#warden/limits.ts';
import { createNamespaceSockets } from '#warden/network/namespace-sockets.ts';
import { createExitWatch } from '#warden/processes/exit-watch.ts';
import { createLauncher } from '#warden/processes/launch.ts';
import { createOrphans } from '#warden/processes/orphans.ts';
import { createRuntimes } from '#warden/runtimes/create-runtimes.ts';
import { createSandboxes } from '#warden/sandboxes/sandboxes.ts';
import { createTerminals } from '#warden/terminals/terminals.ts';
import { openUidRanges } from '#warden/uid-ranges.ts';

export interface WardenOptions {
  readonly config: WardenConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** A part that everything else needs is lost: the process must stop, and be started again. */
  readonly onFailure: (error: unknown) => void;
}

export interface Warden extends AsyncDisposable {
  /** Ends every sandbox, for a stop after which nobody would adopt them. */
  endSandboxes(): Promise<void>;
}

/**
 * Starts the warden: adopts what an earlier one left, starts the broker, and serves
 * `warden.sock`. Disposing it stops serving and the broker; the sandboxes run on.
 */
export async function startWarden(options: WardenOptions): Promise<Warden> {
  const { config, clock, log, onFailure } = options;
  await primeThreadPool();
  becomeSubreaper();
  const layout = layoutOf(config);
  await makeLayout(layout);
  await makeMountsDirectory(layout.mounts);
  const parentGroup = `/casemate-${config.instance}`;
  const hierarchies = findHierarchies(await readFile('/proc/self/mounts', 'utf8'));
  const groups = createControlGroups(hierarchies);
  groups.make(parentGroup);
  try {
    log.info({ files: weighIo(hierarchies, parentGroup) }, 'sandboxes get less of the disks than the machine itself');
  } catch (error) {
    // A disk shared evenly is no reason to start no sandbox.
    log.warn({ err: error }, 'the kernel refused an io weight; sandboxes and the machine share its disks evenly');
  }

  const journal = await openJournal({ directory: config.journalDirectory, clock });
  const bindings = openBindings(layout.bindingsFile, config.limits.bindings);
  const ranges = await openUidRanges(layout.rangesFile, config.uidRanges);
  const images = createImageStock({
    ...{ images: layout.images, makeImage: makeDiskImage, log },
    requireRoom: () => requireReserve(config.stateDirectory, config.reserveMiB),
  });
  const exits = createExitWatch(onFailure);
  const runtimes = createRuntimes(config.runtimes, layout.runtimeState, createLauncher(exits), log);
  const orphans = createOrphans(exits.isWatched);
  const sockets = createNamespaceSockets(onFailure);
  const files = createGuestFiles({
    emptyDirectory: layout.empty,
    stallMs: config.limits.fileStallMs,
    maximum: config.limits.fileProcesses,
    maximumPerTeam: config.limits.perTeam.fileProcesses,
    log,
  });
  const events = createEvents();
  const broker = startBroker({ ...config.broker, log });
  const announce = events.announce;
  const consoleDirectory = config.keeperConsoleDirectory;
  const terminals = createTerminals({ consoleDirectory, groups, exits, log, announce });
  const shared = {
    config,
    layout,
    runtimes,
    groups,
    ranges,
    images,
    sockets,
    exits,
    orphans,
    broker,
    files,
    clock,
    log,
    announce,
  };
  const sandboxes = createSandboxes(shared);
  for (const sandbox of await sandboxes.adopt()) await terminals.adopt(sandbox);

  const tiers: Tier[] = [...runtimes.keys()];
  const handlers = wardenHandlers({
    ...{ sandboxes, terminals, files, sockets, groups, exits, broker, bindings, journal, events, tiers },
    templatesDirectory: config.templatesDirectory,
  });
  const terminalsOf = (teamId?: TeamId): number => {
    const owners = new Map(sandboxes.list().map((status) => [status.sandboxId, status.teamId]));
    const running = terminals.list().filter((terminal) => terminal.running);
    return running.filter(({ sandboxId }) => teamId === undefined || owners.get(sandboxId) === teamId).length;
  };
  const bounded = withLimits(handlers, { limits: config.limits, terminals: terminalsOf });
  const server = await serveChannel(wardenMethods, bounded, {
    path: `${config.runDirectory}/warden.sock`,
    mode: 0o660,
    maximumConnections: 8,
    admit: (fd) => peerCredentials(fd).uid === config.serverUid,
    log,
  });

  return {
    async endSandboxes() {
      await Promise.all(sandboxes.list().map(({ sandboxId }) => sandboxes.kill(sandboxId)));
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await broker[Symbol.asyncDispose]();
      const idle = sandboxes.list().length === 0;
      // Before the descriptors that it watches are closed.
      exits[Symbol.dispose]();
      sandboxes.release();
      await files[Symbol.asyncDispose]();
      await images[Symbol.asyncDispose]();
      await sockets[Symbol.asyncDispose]();
      orphans[Symbol.dispose]();
      journal.close();
      bindings[Symbol.dispose]();
      if (!idle) return;
      await groups.remove(parentGroup);
      unmount(layout.mounts, { detach: true });
      await rmdir(layout.mounts);
      await rm(`${config.runDirectory}/warden.sock`, { force: true });
    },
  };
}

/** The pool's threads take the credentials of the thread that first uses it: that must be this one (H2). */
async function primeThreadPool(): Promise<void> {
  await Promise.all(Array.from({ length: 16 }, () => stat('/')));
}

/**
 * The directory of mounts, a private mount itself: what is mounted below stays in this mount
 * namespace and does not pin disks in those of other services.
 */
async function makeMountsDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const mounted = (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${directory} `);
  if (mounted) return;
  mount(directory, directory, null, mountFlags.bind, null);
  mount(null, directory, null, mountFlags.private, null);
  const flags = mountFlags.noSuid | mountFlags.noDevices | mountFlags.noExec;
  mount(null, directory, null, mountFlags.bind | mountFlags.remount | flags, null);
}
