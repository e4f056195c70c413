import { join } from 'node:path';
import type { Config } from '#config/config.ts';
import type { Log } from '#channel/log.ts';
import { type PreparedDatabase, prepareDatabase } from '#database/prepare.ts';
import { embeddedPackageDirectory, hydrateBinaries } from '#main/postgres/binaries.ts';
import { clusterTemplate } from '#main/postgres/cluster-template.ts';
import { loadPasswords } from '#main/postgres/passwords.ts';
import { createPostgres } from '#main/postgres/postgres.ts';
import type { DataPaths } from '#main/up/paths.ts';
import type { Startable } from '#main/up/supervised.ts';
import type { Users } from '#main/up/users.ts';

/** The database of an instance. The owner's credentials stay in this process. */
export interface InstanceDatabase {
  /** Starts the supervised PostgreSQL; null where the operator has one of their own. */
  readonly start: (() => Promise<Startable>) | null;
  /** Resolves when what the first start made is on the disk. */
  flushed(): Promise<void>;
  /** Migrates, and answers with the connection strings of the server's two roles. */
  prepare(): Promise<PreparedDatabase>;
}

export async function openInstanceDatabase(of: {
  readonly config: Config;
  readonly paths: DataPaths;
  readonly users: Users;
  readonly release: string;
  readonly log: Log;
}): Promise<InstanceDatabase> {
  const migrationsDirectory = join(of.release, 'migrations');
  if (of.config.databaseUrl !== null) {
    const ownerUrl = of.config.databaseUrl;
    const passwords = await loadPasswords(of.paths.pgPasswords);
    return {
      start: null,
      flushed: () => Promise.resolve(),
      prepare: () => prepareDatabase({ ownerUrl, migrationsDirectory, passwords }),
    };
  }
  const embedded = of.config.postgresBin === null ? embeddedPackageDirectory() : null;
  const postgres = createPostgres({
    binaries: embedded === null ? (of.config.postgresBin ?? '') : await hydrateBinaries(embedded),
    template: embedded === null ? null : await clusterTemplate(embedded),
    directory: of.paths.pg,
    socketDirectory: of.paths.run.pg,
    passwordsDirectory: of.paths.pgPasswords,
    identity: of.users.pg,
    log: of.log,
  });
  return {
    async start() {
      await postgres.start();
      return {
        get pid() {
          return postgres.pid;
        },
        ended: postgres.exited().then(() => 'ended'),
        stop: () => postgres.stop(),
      };
    },
    flushed: () => postgres.flushed(),
    prepare: () => prepareDatabase({ ownerUrl: postgres.ownerUrl, migrationsDirectory, passwords: postgres.passwords }),
  };
}
