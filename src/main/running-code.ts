import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Whether this runs from the bundle, as it does for people who use it, or straight from the sources. */
export const bundled = !import.meta.filename.endsWith('.ts');

/** The release that this code is part of: the nearest directory above it with a package.json. */
export const runningRelease: string = (() => {
  for (let at = import.meta.dirname; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at;
    if (dirname(at) === at) throw new Error('this code lies in no release: no package.json above it');
  }
})();

/** The file that starts the process `name` of a release, of the same kind as the code that asks. */
export const entryOf = (release: string, name: string): string =>
  bundled ? join(release, 'dist/main', `${name}.js`) : join(release, 'src/main', `${name}.ts`);
