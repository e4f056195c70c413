import { asc, eq, getTableColumns } from 'drizzle-orm';
import { secrets } from '#database/schema/workspaces.ts';
import type { JobTransaction, TenantTransaction } from '#database/transaction.ts';

export type SecretRow = typeof secrets.$inferSelect;
export type SecretView = Omit<SecretRow, 'sealed'>;
export type NewSecret = Omit<typeof secrets.$inferInsert, 'teamId'>;

const { sealed: _sealed, ...view } = getTableColumns(secrets);

/** Sets or replaces a secret of the team. */
export async function putSecret(tx: TenantTransaction, secret: NewSecret): Promise<SecretView | undefined> {
  const { name: _name, ...change } = secret;
  const [row] = await tx
    .insert(secrets)
    .values(secret)
    .onConflictDoUpdate({ target: [secrets.teamId, secrets.name], set: change })
    .returning(view);
  return row;
}

/** By name; never the sealed value. */
export async function listSecrets(tx: TenantTransaction): Promise<readonly SecretView[]> {
  return tx.select(view).from(secrets).orderBy(asc(secrets.name));
}

export async function findSecret(tx: TenantTransaction, name: string): Promise<SecretView | undefined> {
  const [row] = await tx.select(view).from(secrets).where(eq(secrets.name, name));
  return row;
}

/** True when there was one. */
export async function removeSecret(tx: TenantTransaction, name: string): Promise<boolean> {
  const rows = await tx.delete(secrets).where(eq(secrets.name, name)).returning({ name: secrets.name });
  return rows.length > 0;
}

/** Every team's, sealed, to hand them to a broker that has lost its own copies. */
export async function listAllSecrets(tx: JobTransaction<'lifecycle'>): Promise<readonly SecretRow[]> {
  return tx.select().from(secrets).orderBy(asc(secrets.teamId), asc(secrets.name));
}
