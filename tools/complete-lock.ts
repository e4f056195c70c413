import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';

/**
 * Completes package-lock.json with the optional packages of platforms that a registry did not
 * carry when the lock was made (a company's mirror often holds Linux only). `npm ci` refuses a lock
 * that does not list them, and skips them on Linux by `os` and `cpu`, so they are never fetched
 * here. Run it after every `npm install`.
 */
const entrySchema = z.looseObject({
  version: z.string().optional(),
  optional: z.boolean().optional(),
  dev: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});
const lockSchema = z.looseObject({ packages: z.record(z.string(), entrySchema) });

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openbsd', 'openharmony', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** `@oxlint/binding-linux-x64-musl` → where it runs, or null when its name does not say. */
function platformOf(name: string): { os?: string[]; cpu?: string[]; libc?: string[] } | null {
  const words = name.split('/').at(-1)?.split('-') ?? [];
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (!cpu || (!os && cpu !== 'wasm32')) return null;
  const musl = words.some((word) => word.startsWith('musl'));
  return {
    cpu: [cpu],
    ...(os ? { os: [os] } : {}),
    ...(os === 'linux' ? { libc: [musl ? 'musl' : 'glibc'] } : {}),
  };
}

const file = resolve(import.meta.dirname, '../package-lock.json');
const lock = lockSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
let added = 0;

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const parents = path.split('/node_modules/').length;
    const places = Array.from({ length: parents + 1 }, (_, depth) => {
      const above = path.split('/node_modules/').slice(0, depth).join('/node_modules/');
      return above === '' ? `node_modules/${name}` : `${above}/node_modules/${name}`;
    });
    // The version must be exact: a range could be met by whatever a registry says tomorrow.
    const known = places.some((place) => lock.packages[place]?.version === version);
    if (known || !/^\d+\.\d+\.\d+[-.\w]*$/.test(version)) continue;
    const platform = platformOf(name);
    if (!platform) continue;
    const top = `node_modules/${name}`;
    const place = lock.packages[top] === undefined ? top : `${path}/node_modules/${name}`;
    lock.packages[place] = { version, ...platform, ...(entry.dev ? { dev: true } : {}), optional: true };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')));
if (added > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms added to package-lock.json`);
