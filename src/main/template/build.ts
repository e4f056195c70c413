import { chmod, copyFile, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inCache } from '#main/prepare/cache.ts';
import { runProgram } from '#main/prepare/program.ts';
import { say, stillWorking } from '#main/prepare/say.ts';
import { aptLine } from '#main/template/apt-sources.ts';
import { templateFiles } from '#main/template/files.ts';
import type { Recipe } from '#main/template/recipe.ts';

/** Fills `directory` with `base/rootfs`: a minimal system with Node, owned by the uids it names. */
export async function buildTemplate(recipe: Recipe, directory: string): Promise<void> {
  const rootfs = join(directory, 'base/rootfs');
  await makeDirectory(rootfs);
  say(`building the base template from ${recipe.suite} packages (once)`);
  await bootstrap(recipe, rootfs);
  await addNode(recipe, rootfs);
  await addFiles(recipe, rootfs);
  await harden(rootfs);
  await writeReadable(join(directory, 'base/recipe.json'), `${JSON.stringify(recipe, null, 2)}\n`);
  say('base template built');
}

async function bootstrap(recipe: Recipe, rootfs: string): Promise<void> {
  let stage = 'resolving packages';
  using _progress = stillWorking(() => `base template: ${stage}`);
  await runProgram(
    'mmdebstrap',
    [
      '--mode=root',
      '--variant=minbase',
      '--format=directory',
      `--include=${recipe.packages.join(',')}`,
      ...recipe.aptOptions.map((option) => `--aptopt=${option}`),
      // A build that power cut short is never used, so its files need not reach the disk one by one.
      '--dpkgopt=force-unsafe-io',
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=path-exclude=/usr/share/man/*',
      '--dpkgopt=path-exclude=/usr/share/info/*',
      '--dpkgopt=path-exclude=/usr/share/locale/*',
      '--dpkgopt=path-include=/usr/share/locale/locale.alias',
      '--skip=cleanup/apt/lists',
      recipe.suite,
      rootfs,
      '-',
    ],
    {
      environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: '/root' },
      input: `${recipe.sources.map(aptLine).join('\n')}\n`,
      onLine: (line) => {
        if (line.startsWith('I: ')) stage = line.slice(3);
      },
    },
  );
  for (const path of ['var/lib/apt/lists', 'var/cache/apt/archives']) {
    for (const name of await readdir(join(rootfs, path))) await rm(join(rootfs, path, name), { recursive: true });
  }
}

async function addNode(recipe: Recipe, rootfs: string): Promise<void> {
  await makeDirectory(join(rootfs, 'usr/local/lib/node_modules'));
  await copyFile(process.execPath, join(rootfs, 'usr/local/bin/node'));
  await cp(inCache('npm', recipe.npm), join(rootfs, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(rootfs, 'usr/local/bin', name));
    await runProgram('chmod', ['755', join(rootfs, `usr/local/lib/node_modules/npm/bin/${name}-cli.js`)]);
  }
  await runProgram('chmod', ['755', join(rootfs, 'usr/local/bin/node')]);
}

async function addFiles(recipe: Recipe, rootfs: string): Promise<void> {
  for (const [path, content] of Object.entries(templateFiles(recipe))) {
    const target = join(rootfs, path);
    await makeDirectory(dirname(target));
    await rm(target, { force: true });
    await writeReadable(target, content);
  }
  if (recipe.authorities !== '') await runProgram('chroot', [rootfs, 'update-ca-certificates']);
  await runProgram('chroot', [rootfs, 'useradd', '--uid=1000', '--create-home', '--shell=/bin/bash', 'user']);
  await runProgram('chroot', [
    rootfs,
    'install',
    '-d',
    '-o',
    'user',
    '-g',
    'user',
    '/home/user/workspace',
    '/home/user/.local/bin',
  ]);
}

/** No set-user-id program, no device node, nothing writable by strangers but /tmp. */
async function harden(rootfs: string): Promise<void> {
  await runProgram('find', [rootfs, '-xdev', '-type', 'f', '-perm', '/6000', '-exec', 'chmod', 'ug-s', '{}', '+']);
  await runProgram('find', [rootfs, '-xdev', '(', '-type', 'b', '-o', '-type', 'c', ')', '-delete']);
  for (const name of await readdir(join(rootfs, 'dev'))) await rm(join(rootfs, 'dev', name), { recursive: true });
}

/** Makes a directory and those above it that are missing, 0755 whatever the umask of this process is. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}

/** Writes a file that every user of a sandbox may read, 0644 whatever the umask of this process is. */
async function writeReadable(path: string, content: string): Promise<void> {
  await writeFile(path, content);
  await chmod(path, 0o644);
}
