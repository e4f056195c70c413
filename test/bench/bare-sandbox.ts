import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, rmdirSync, writeFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { attachLoop } from '#kernel/loop.ts';
import {
  attachTree,
  cloneTree,
  mount,
  mountAttributes,
  mountFlags,
  setMountAttributes,
  unmount,
} from '#kernel/mount.ts';
import { findHierarchies } from '#warden/cgroup/hierarchies.ts';
import type { SandboxPaths } from '#warden/layout.ts';
import { specification } from '#warden/runtimes/crun/specification.ts';
import { runProgram } from '../support/run-program.ts';

/** The recipe without the product: disk, idmapped template, overlay, `crun run` with the filter compiled. */
export interface BareSandboxes extends AsyncDisposable {
  /** From nothing to the first byte of a program's output, in ms. Takes all of it away again, untimed. */
  runOnce(): Promise<number>;
  /** Starts one that idles, with the init and the idle program that the product's have. */
  startIdle(): Promise<void>;
  /** Ends every idle one. */
  endIdle(): Promise<void>;
}

const ids = 65_536;
const size = { diskMiB: 128, inodes: 8192 };
const resources = { memoryMiB: 256, cpuPercent: 100, processes: 64, ...size };

/** A user namespace that maps the range from `first`, held by the descriptor alone. */
async function mappingOf(first: number): Promise<number> {
  const child = spawn('/usr/bin/unshare', ['--user', '/bin/cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write('\n');
  await once(child.stdout, 'data');
  for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${file}`, `0 ${first} ${ids}\n`);
  const fd = openSync(`/proc/${child.pid}/ns/user`, 'r');
  child.kill('SIGKILL');
  return fd;
}

/** Prepares what the recipe makes once: an image to copy and the mapping. `template` is an unpacked root. */
export async function bareSandboxes(template: string): Promise<BareSandboxes> {
  const directory = await mkdtemp('/tmp/casemate-bare-');
  const firstUid = 1_800_000_000;
  const original = `${directory}/original.ext4`;
  await runProgram('/usr/bin/truncate', ['--size', `${size.diskMiB}M`, original]);
  await runProgram('/sbin/mkfs.ext4', [
    ...['-q', '-F', '-b', '4096', '-m', '0', '-N', String(size.inodes), '-J', 'size=8', '-O', '^resize_inode'],
    ...['-E', 'lazy_itable_init=0,lazy_journal_init=0', original],
  ]);
  const mapping = await mappingOf(firstUid);
  const { controllers, unified } = findHierarchies(await readFile('/proc/self/mounts', 'utf8'));
  const hierarchies = [...new Set([...controllers.values(), ...(unified === null ? [] : [unified])])];
  const idle: Made[] = [];
  let serial = 0;

  interface Made {
    readonly id: string;
    readonly paths: SandboxPaths;
    readonly cgroup: string;
  }

  const make = async (argv: readonly string[]): Promise<Made> => {
    serial += 1;
    const id = `casemate-bare-${process.pid}-${serial}`;
    const own = `${directory}/${serial}`;
    const mounts = `/run/${id}`;
    const paths: SandboxPaths = {
      ...{ directory: own, record: '', scratchImage: `${own}/disk.ext4`, bundle: `${own}/bundle` },
      ...{ runtimeLog: `${own}/log`, terminals: '', terminal: () => '', mounts, lower: `${mounts}/lower` },
      ...{ scratch: `${mounts}/scratch`, root: `${mounts}/root`, disk: '' },
    };
    for (const path of [own, paths.bundle, mounts, paths.lower, paths.scratch, paths.root]) await mkdir(path);
    await runProgram('/bin/cp', ['--sparse=always', original, paths.scratchImage]);
    const loop = attachLoop(paths.scratchImage);
    mount(loop.device, paths.scratch, 'ext4', mountFlags.noSuid | mountFlags.noDevices, 'discard');
    closeSync(loop.fd);
    const [upper, work, home] = ['upper', 'work', 'home'].map((name) => `${paths.scratch}/${name}`);
    for (const path of [upper, work, home]) {
      await mkdir(path as string);
      await chown(path as string, firstUid, firstUid);
    }
    for (const path of [mounts, paths.scratch]) {
      await chown(path, 0, firstUid);
      await chmod(path, 0o710);
    }
    const tree = cloneTree(template);
    setMountAttributes(tree, mountAttributes.idmap | mountAttributes.readOnly | mountAttributes.noSuid, mapping);
    attachTree(tree, paths.lower);
    closeSync(tree);
    mount('overlay', paths.root, 'overlay', 0, `lowerdir=${paths.lower},upperdir=${upper},workdir=${work}`);
    const cgroup = `/${id}`;
    const spec = specification(
      { id, paths, firstUid, resources, home: home as string, cgroup },
      '/usr/bin/tini-static',
      '',
    ) as {
      process: { args: string[] };
      linux: { namespaces: object[]; uidMappings?: object[]; gidMappings?: object[] };
    };
    const map = [{ containerID: 0, hostID: firstUid, size: ids }];
    spec.linux.namespaces[0] = { type: 'user' };
    spec.linux.uidMappings = map;
    spec.linux.gidMappings = map;
    spec.process.args = [spec.process.args[0] as string, '-g', '--', ...argv];
    await writeFile(`${paths.bundle}/config.json`, JSON.stringify(spec));
    return { id, paths, cgroup };
  };

  const crun = (parameters: readonly string[]) => [
    '--root',
    `${directory}/crun`,
    '--cgroup-manager',
    'cgroupfs',
    ...parameters,
  ];

  const takeAway = async ({ id, paths, cgroup }: Made): Promise<void> => {
    await runProgram('/usr/bin/crun', crun(['delete', '--force', id]));
    for (const hierarchy of hierarchies) {
      if (existsSync(`${hierarchy}${cgroup}`)) rmdirSync(`${hierarchy}${cgroup}`);
    }
    for (const target of [paths.root, paths.lower, paths.scratch]) unmount(target);
    for (const path of [paths.root, paths.lower, paths.scratch, paths.mounts]) await rmdir(path);
    await rm(paths.directory, { recursive: true });
  };

  return {
    async runOnce() {
      const start = performance.now();
      const made = await make(['/bin/echo', 'ready']);
      const child = spawn('/usr/bin/crun', crun(['run', '--bundle', made.paths.bundle, made.id]), {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const ended = once(child, 'exit');
      await once(child.stdout, 'data');
      const elapsed = performance.now() - start;
      await ended;
      await takeAway(made);
      return elapsed;
    },
    async startIdle() {
      const made = await make(['/bin/sleep', 'infinity']);
      const parameters = crun(['run', '--detach', '--bundle', made.paths.bundle, made.id]);
      const child = spawn('/usr/bin/crun', parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
      await once(child, 'exit');
      idle.push(made);
    },
    async endIdle() {
      for (const made of idle.splice(0)) await takeAway(made);
    },
    async [Symbol.asyncDispose]() {
      for (const made of idle.splice(0)) await takeAway(made);
      closeSync(mapping);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
