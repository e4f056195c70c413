import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openBuilder } from '#main/prepare/builder.ts';
import { buildOnce } from '#main/prepare/cache.ts';
import { copyPlain } from '#main/prepare/copy-plain.ts';
import { say } from '#main/prepare/say.ts';

/**
 * Bundles what runs into `<release>/dist`, once, under the builder's user. The release's node_modules
 * must be there: what is bundled comes from the packages that are not for development.
 */
export async function ensureBundle(release: string, fullModules: string): Promise<void> {
  const built = join(release, 'dist');
  if (existsSync(built)) return;
  say('bundling what runs');
  await buildOnce(built, async (partial) => {
    await using builder = await openBuilder({ registry: false });
    await builder.run(process.execPath, [
      join(fullModules, 'rolldown/bin/cli.mjs'),
      '--config',
      join(release, 'src/main/prepare/bundle.config.ts'),
      '--configLoader',
      'native',
    ]);
    await copyPlain(join(builder.directory, 'home/dist'), partial);
  });
}
