import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hydrateBinaries } from '#main/postgres/binaries.ts';
import { openBuilder } from '#main/prepare/builder.ts';
import { buildOnce, inCache } from '#main/prepare/cache.ts';
import { copyPlain } from '#main/prepare/copy-plain.ts';
import { say } from '#main/prepare/say.ts';

export const superuser = 'casemate_superuser';

/** How every cluster is made. Nobody can connect to it before its pg_hba.conf is written. */
export const initdbArguments = (data: string): readonly string[] => [
  `--pgdata=${data}`,
  `--username=${superuser}`,
  '--auth-local=scram-sha-256',
  '--auth-host=reject',
  '--data-checksums',
  '--encoding=UTF8',
  '--no-locale',
  '--no-instructions',
];

/** Where in the cache the empty cluster of a package of binaries lies, for instances to copy. */
export async function clusterTemplate(packageDirectory: string): Promise<string> {
  const binaries = await readFile(join(packageDirectory, 'package.json'), 'utf8');
  const recipe = JSON.stringify([binaries, initdbArguments('')]);
  return inCache('clusters', createHash('sha256').update(recipe).digest('hex').slice(0, 32));
}

/** Makes that empty cluster once, under the builder's user. Its superuser has no password, so it lets nobody in. */
export async function ensureClusterTemplate(packageDirectory: string): Promise<void> {
  const target = await clusterTemplate(packageDirectory);
  if (existsSync(target)) return;
  say('making an empty database cluster for instances to copy');
  await mkdir(inCache('clusters'), { recursive: true, mode: 0o755 });
  const binaries = await hydrateBinaries(packageDirectory);
  await buildOnce(target, async (partial) => {
    await using builder = await openBuilder({ registry: false });
    const data = join(builder.directory, 'home/cluster');
    // initdb asks for a password where it sets up password checks; this one is replaced in every copy.
    const passwordFile = join(builder.directory, 'home/password');
    await builder.run('sh', [
      '-c',
      'umask 077; od -An -N32 -tx1 /dev/urandom | tr -d " \\n" >"$1"',
      'sh',
      passwordFile,
    ]);
    const made = [...initdbArguments(data), `--pwfile=${passwordFile}`, '--no-sync'];
    await builder.run(join(binaries, 'initdb'), made);
    await copyPlain(data, partial);
  });
}
