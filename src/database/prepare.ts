import { type LoginPasswords, loginUrl, setLoginPasswords } from '#database/login-roles.ts';
import { migrate } from '#database/migrate.ts';
import { setContextKey } from '#database/tenant-proof.ts';

export interface PreparedDatabase {
  /** Connection strings for the server's configuration. */
  readonly request: string;
  readonly jobs: string;
  readonly auth: string;
  /** With which the server proves for which team a transaction acts; hex. */
  readonly contextKey: string;
  /** Names of the migrations that this start applied. */
  readonly applied: readonly string[];
}

/** All that a start does as the owner: migrations, then the passwords of the login roles and the key of proofs. */
export async function prepareDatabase(of: {
  readonly ownerUrl: string;
  readonly migrationsDirectory: string;
  readonly passwords: LoginPasswords & { readonly context: string };
}): Promise<PreparedDatabase> {
  const applied = await migrate(of.ownerUrl, of.migrationsDirectory);
  await setLoginPasswords(of.ownerUrl, of.passwords);
  await setContextKey(of.ownerUrl, of.passwords.context);
  return {
    request: loginUrl(of.ownerUrl, 'request', of.passwords.request),
    jobs: loginUrl(of.ownerUrl, 'jobs', of.passwords.jobs),
    auth: loginUrl(of.ownerUrl, 'auth', of.passwords.auth),
    contextKey: of.passwords.context,
    applied,
  };
}
