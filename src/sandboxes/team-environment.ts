import type { Database } from '#database/database.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import { listSecrets } from '#database/workspaces/secret-store.ts';
import { sandboxEnvironment } from '#sandboxes/environment.ts';

/** The environment of a team's sandboxes as its secrets are now; never holds a value of one. */
export async function teamEnvironment(database: Database, scope: TenantScope): Promise<Record<string, string>> {
  const secrets = await database.withTenant(scope, listSecrets);
  return sandboxEnvironment(secrets.filter(({ kind }) => kind === 'git').map(({ baseUrl }) => baseUrl));
}
