import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DataPaths } from '#main/up/paths.ts';

const schema = z.strictObject({
  /** Of the supervisor's unit, without `.service`; the others' names begin with it. */
  unit: z.string().regex(/^casemate(?:-[a-z0-9]{8})?$/),
  node: z.string().startsWith('/'),
  /** Flags of `up`, as they were given to `service install`. */
  flags: z.array(z.string()),
  /** PostgreSQL is the operator's own and reached over TCP. */
  externalDatabase: z.boolean(),
  /** Found at the installation: the supervisor's unit may neither build a template nor ask npm and pip. */
  template: z.strictObject({
    directory: z.string().startsWith('/'),
    clients: z.strictObject({
      npmRegistry: z.string(),
      pipIndex: z.string(),
      pipHosts: z.array(z.string()),
      aptUrls: z.array(z.string()),
    }),
  }),
});
/** How an instance runs under systemd; root's, in its data directory. */
export type ServiceSettings = z.infer<typeof schema>;

const fileOf = (paths: DataPaths): string => join(paths.config, 'service.json');

/** Null where the instance is no service. */
export function readServiceSettings(paths: DataPaths): ServiceSettings | null {
  const file = fileOf(paths);
  return existsSync(file) ? schema.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}

export function writeServiceSettings(paths: DataPaths, settings: ServiceSettings): void {
  const file = fileOf(paths);
  writeFileSync(`${file}.new`, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeServiceSettings(paths: DataPaths): void {
  rmSync(fileOf(paths), { force: true });
}
