import { eq } from 'drizzle-orm';
import type { UserId } from '#base/ids.ts';
import { users } from '#database/schema/identity.ts';
import type { AuthTransaction, TenantTransaction } from '#database/transaction.ts';

export type UserRow = typeof users.$inferSelect;
export type NewUser = Omit<typeof users.$inferInsert, 'createdAt' | 'disabledAt'>;

/** Adds a person; undefined when the address is taken. */
export async function createUser(tx: AuthTransaction, user: NewUser): Promise<UserRow | undefined> {
  const [row] = await tx.insert(users).values(user).onConflictDoNothing({ target: users.email }).returning();
  return row;
}

/** With the password's hash. `email` in lower case. */
export async function findUserByEmail(tx: AuthTransaction, email: string): Promise<UserRow | undefined> {
  const [row] = await tx.select().from(users).where(eq(users.email, email));
  return row;
}

/** With the password's hash. */
export async function findUser(tx: AuthTransaction, userId: UserId): Promise<UserRow | undefined> {
  const [row] = await tx.select().from(users).where(eq(users.id, userId));
  return row;
}

/** Whether anybody has an account yet: set-up is over then. */
export async function hasUsers(tx: AuthTransaction): Promise<boolean> {
  const rows = await tx.select({ id: users.id }).from(users).limit(1);
  return rows.length > 0;
}

/** Replaces the password's hash. */
export async function setPasswordHash(tx: AuthTransaction, userId: UserId, passwordHash: string): Promise<void> {
  await tx.update(users).set({ passwordHash }).where(eq(users.id, userId));
}

/** Somebody of the team, without what proves who they are. */
export async function findTeamUser(
  tx: TenantTransaction,
  userId: UserId,
): Promise<Pick<UserRow, 'id' | 'email' | 'name'> | undefined> {
  const [row] = await tx
    .select({ id: users.id, email: users.email, name: users.name })
    .from(users)
    .where(eq(users.id, userId));
  return row;
}
