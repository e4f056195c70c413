import { join } from 'node:path';
import type { Config } from '#config/config.ts';
import type { Log } from '#channel/log.ts';
import { type PreparedDatabase, prepareDatabase } from '#database/prepare.ts';
import { embeddedPackageDirectory, hydrateBinaries } from '#main/postgres/binaries.ts';
import { loadPasswords } from '#main/postgres/passwords.ts';
import { createPostgres } from '#main/postgres/postgres.ts';
import type { DataPaths } from '#main/up/paths.ts';
import type { Startable } from '#main/up/supervised.ts';
import type { Users } from '#main/up/users.ts';

/** The database of an instance. The owner's credentials stay in this process. */
export interface InstanceDatabase {
  /** Starts the supervised PostgreSQL; null where the operator has one of their own. */
  readonly start: (() => Promise<Startable>) | null;
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
    return { start: null, prepare: () => prepareDatabase({ ownerUrl, migrationsDirectory, passwords }) };
  }
  const binaries = of.config.postgresBin ?? (await hydrateBinaries(embeddedPackageDirectory()));
  const postgres = createPostgres({
    binaries,
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
    prepare: () => prepareDatabase({ ownerUrl: postgres.ownerUrl, migrationsDirectory, passwords: postgres.passwords }),
  };
}
