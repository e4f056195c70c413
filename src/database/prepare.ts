import { loginUrl, setLoginPasswords } from '#database/login-roles.ts';
import { migrate } from '#database/migrate.ts';

export interface PreparedDatabase {
  /** Connection strings for the server's configuration. */
  readonly app: string;
  readonly auth: string;
  /** Names of the migrations that this start applied. */
  readonly applied: readonly string[];
}

/** All that a start does as the owner: migrations, then the passwords of the two login roles. */
export async function prepareDatabase(of: {
  readonly ownerUrl: string;
  readonly migrationsDirectory: string;
  readonly passwords: { readonly app: string; readonly auth: string };
}): Promise<PreparedDatabase> {
  const applied = await migrate(of.ownerUrl, of.migrationsDirectory);
  await setLoginPasswords(of.ownerUrl, of.passwords);
  return {
    app: loginUrl(of.ownerUrl, 'app', of.passwords.app),
    auth: loginUrl(of.ownerUrl, 'auth', of.passwords.auth),
    applied,
  };
}
