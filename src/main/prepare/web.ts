import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBuilder } from '#main/prepare/builder.ts';
import { buildOnce, inCache } from '#main/prepare/cache.ts';
import { linkTree } from '#main/prepare/modules.ts';
import { say } from '#main/prepare/say.ts';

const inputs = [
  'web',
  'src/base',
  'src/contract',
  'package.json',
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.web.json',
];

/** Builds the pages once for each state of their sources, under the builder's user, into `<release>/web/dist`. */
export async function ensureWeb(release: string, fullModules: string): Promise<void> {
  const built = join(release, 'web/dist');
  if (existsSync(built)) return;
  const target = inCache('web', await digestOfInputs(release));
  await mkdir(inCache('web'), { recursive: true, mode: 0o755 });
  if (!existsSync(target)) {
    say('building the pages');
    await buildOnce(target, async (partial) => {
      await using builder = await openBuilder();
      for (const input of inputs) await copyPlain(join(release, input), join(builder.directory, input));
      await symlink(fullModules, join(builder.directory, 'node_modules'));
      await builder.run(process.execPath, [
        join(fullModules, 'vite/bin/vite.js'),
        'build',
        'web',
        '--configLoader=native',
        '--emptyOutDir',
        '--outDir',
        join(builder.directory, 'home/dist'),
        '--logLevel=warn',
      ]);
      await copyPlain(join(builder.directory, 'home/dist'), partial);
    });
    say('pages built');
  }
  await buildOnce(built, (partial) => linkTree(target, partial));
}

async function digestOfInputs(release: string): Promise<string> {
  const hash = createHash('sha256');
  const add = async (path: string): Promise<void> => {
    const status = await lstat(path).catch(() => null);
    if (status?.isDirectory()) for (const name of (await readdir(path)).toSorted()) await add(join(path, name));
    else if (status?.isFile()) hash.update(`${path.slice(release.length)}\0`).update(await readFile(path));
  };
  for (const input of inputs) await add(join(release, input));
  return hash.digest('hex').slice(0, 32);
}

/** Copies regular files and directories and nothing else; as new files that belong to who copies. */
async function copyPlain(from: string, to: string): Promise<void> {
  const status = await lstat(from);
  if (status.isFile()) {
    // Not copyFile, which gives the copy the owner of the original.
    const content = await readFile(from, { flag: constants.O_RDONLY | constants.O_NOFOLLOW });
    await writeFile(to, content, { mode: 0o644 });
  }
  if (!status.isDirectory()) return;
  // The builder writes beside its sources (temporary configuration), so its directories are its own.
  await mkdir(to, { recursive: true, mode: 0o755 });
  for (const name of await readdir(from)) await copyPlain(join(from, name), join(to, name));
}
