import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openBuilder } from '#main/prepare/builder.ts';
import { buildOnce, inCache } from '#main/prepare/cache.ts';
import { copyPlain } from '#main/prepare/copy-plain.ts';
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
      await using builder = await openBuilder({ registry: false });
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
