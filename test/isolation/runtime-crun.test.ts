import { closeSync, existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { makeDiskImage, mountDiskImage } from '#warden/disk/disk-image.ts';
import { makeHome } from '#warden/disk/home.ts';
import { mountRoot, unmountAll } from '#warden/disk/root-file-system.ts';
import { openUserNamespace } from '#warden/disk/user-namespace.ts';
import { createControlGroups } from '#warden/cgroup/control-groups.ts';
import { findHierarchies } from '#warden/cgroup/hierarchies.ts';
import type { SandboxPaths } from '#warden/layout.ts';
import { createExitWatch } from '#warden/processes/exit-watch.ts';
import { createLauncher } from '#warden/processes/launch.ts';
import { createOrphans } from '#warden/processes/orphans.ts';
import { becomeSubreaper } from '#kernel/pidfd.ts';
import { createCrun } from '#warden/runtimes/crun/crun.ts';
import { type RuntimeFixture, runtimeSuite } from '#warden/runtimes/runtime.suite.ts';

const cached = `${process.env['CASEMATE_CACHE'] ?? '/var/cache/casemate'}/templates/base/rootfs`;
const template = existsSync(cached) ? cached : undefined;

const skip =
  process.getuid?.() !== 0
    ? 'sandboxes need root'
    : !existsSync('/usr/bin/crun') || !existsSync('/usr/bin/tini-static')
      ? 'crun or tini-static is not installed'
      : template === undefined
        ? 'the base template is not built'
        : false;

const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const firstUid = 1_900_000_000;
let serial = 0;

async function prepare(): Promise<RuntimeFixture> {
  serial += 1;
  becomeSubreaper();
  const id = `runtimesuite${process.pid}x${serial}`;
  const directory = await mkdtemp('/tmp/casemate-runtime-');
  const mounts = `/run/${id}`;
  await mkdir(mounts, { mode: 0o710 });
  await chown(mounts, 0, firstUid);
  const paths: SandboxPaths = {
    directory,
    record: `${directory}/sandbox.json`,
    scratchImage: `${directory}/scratch.ext4`,
    bundle: `${directory}/bundle`,
    runtimeLog: `${directory}/runtime.log`,
    terminals: `${directory}/terminals`,
    terminal: (terminal) => `${directory}/${terminal}`,
    mounts,
    lower: `${mounts}/lower`,
    scratch: `${mounts}/scratch`,
    root: `${mounts}/root`,
    disk: `${mounts}/disk`,
  };
  await makeDiskImage(directory, paths.scratchImage, { diskMiB: 64, inodes: 4096 });
  mountDiskImage(paths.scratchImage, paths.scratch);
  const exits = createExitWatch((error) => {
    throw error;
  });
  const mapping = await openUserNamespace(firstUid, exits);
  mountRoot(template ?? '', paths, firstUid, mapping);
  makeHome(`${paths.scratch}/home`, template ?? '', firstUid);
  await chown(paths.scratch, 0, firstUid);
  await chmod(paths.scratch, 0o710);
  const cgroup = `/casemate-${id}`;
  const groups = createControlGroups(findHierarchies(await readFile('/proc/self/mounts', 'utf8')));
  const stateDirectory = `${directory}/crun`;
  const launcher = createLauncher(exits);
  const initProgram = '/usr/bin/tini-static';
  const runtime = createCrun({ program: '/usr/bin/crun', stateDirectory, initProgram, launcher, log });
  const orphans = createOrphans(exits.isWatched);
  return {
    runtime,
    sandbox: {
      id,
      paths,
      firstUid,
      resources: { memoryMiB: 128, cpuPercent: 100, processes: 32, diskMiB: 64, inodes: 4096 },
      home: `${paths.scratch}/home`,
      cgroup,
    },
    userNamespaceFd: mapping,
    reap: () => orphans.reapRange(firstUid),
    async [Symbol.asyncDispose]() {
      await groups.kill(cgroup);
      await runtime.remove(id);
      orphans[Symbol.dispose]();
      exits[Symbol.dispose]();
      await groups.remove(cgroup);
      unmountAll(paths);
      closeSync(mapping);
      for (const path of [mounts, directory]) await rm(path, { recursive: true, force: true });
    },
  };
}

runtimeSuite('crun', skip, prepare);
