import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openBuilder } from '#main/prepare/builder.ts';
import { buildOnce, digestOfFiles, inCache, runsAsRoot } from '#main/prepare/cache.ts';
import { npmProgram } from '#main/prepare/host-clients.ts';
import { runProgram } from '#main/prepare/program.ts';
import { say, stillWorking } from '#main/prepare/say.ts';

export interface Modules {
  /** Everything, for building and testing. */
  readonly full: string;
  /** What runs: the packages of the lock that are not for development. */
  readonly production: string;
}

/**
 * The node_modules of a lock file, made once by `npm ci` under the builder's user and then copied
 * where only root writes. npm checks each package against the lock's digests; no install script runs.
 */
export async function ensureModules(release: string): Promise<Modules> {
  const lock = join(release, 'package-lock.json');
  const target = inCache('modules', await digestOfFiles([lock, join(release, '.npmrc')]));
  const modules = { full: join(target, 'full/node_modules'), production: join(target, 'production/node_modules') };
  if (existsSync(target)) return modules;
  await mkdir(inCache('modules'), { recursive: true, mode: 0o755 });
  say('installing packages from npm, by the lock file');
  using _progress = stillWorking(() => 'still installing packages from npm');
  await buildOnce(target, async (partial) => {
    await using builder = await openBuilder({ registry: true });
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
      await copyFile(join(release, file), join(builder.directory, file));
    }
    const { command, prefix } = npmProgram();
    await builder.run(command, [...prefix, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
    await mkdir(join(partial, 'full'));
    await runProgram('cp', ['-a', '--reflink=auto', join(builder.directory, 'node_modules'), join(partial, 'full')]);
    if (runsAsRoot()) await runProgram('chown', ['-R', '--no-dereference', 'root:root', partial]);
    await runProgram('chmod', ['-R', 'u-s,g-s,go-w', partial]);
    await linkProduction(lock, partial);
  });
  say('packages installed');
  return modules;
}

/** Hard-links the packages that are not for development, so that what runs cannot load a development tool. */
async function linkProduction(lock: string, directory: string): Promise<void> {
  const { packages } = JSON.parse(await readFile(lock, 'utf8')) as { packages: Record<string, { dev?: boolean }> };
  for (const [path, entry] of Object.entries(packages)) {
    const from = join(directory, 'full', path);
    if (path === '' || entry.dev || !existsSync(from)) continue;
    await linkTree(from, join(directory, 'production', path), true);
  }
}

/** Copies a tree by hard links (by contents across file systems); `flat` leaves nested packages out. */
export async function linkTree(from: string, to: string, flat = false): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      if (!(flat && entry.name === 'node_modules')) await linkTree(source, target, flat);
    } else if (entry.isSymbolicLink()) {
      await mkdir(dirname(target), { recursive: true });
      await symlink(await readlink(source), target);
    } else if (entry.isFile()) {
      await link(source, target).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EXDEV' && error.code !== 'EMLINK') throw error;
        return copyFile(source, target);
      });
    }
  }
}
