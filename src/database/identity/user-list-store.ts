import { asc } from 'drizzle-orm';
import { users } from '#database/schema/identity.ts';
import type { AuthTransaction } from '#database/transaction.ts';

const view = {
  id: users.id,
  email: users.email,
  name: users.name,
  disabledAt: users.disabledAt,
  createdAt: users.createdAt,
};

export type UserView = Pick<typeof users.$inferSelect, keyof typeof view>;

/** Everybody, without what proves who they are: for the operator. */
export async function listUsers(tx: AuthTransaction): Promise<readonly UserView[]> {
  return tx.select(view).from(users).orderBy(asc(users.createdAt), asc(users.id));
}
