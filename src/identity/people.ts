import type { TeamId, UserId } from '#base/ids.ts';
import type { Database } from '#database/database.ts';
import { findMembership } from '#database/identity/team-store.ts';
import { listUsers, type UserView } from '#database/identity/user-list-store.ts';
import { findUser } from '#database/identity/user-store.ts';

export interface PersonView {
  readonly user: { readonly id: UserId; readonly email: string; readonly name: string };
  readonly team: { readonly id: TeamId; readonly name: string; readonly role: string };
}

export interface People {
  /** Somebody and the team they work in, for their own eyes; null when either is gone. */
  describe(userId: UserId, teamId: TeamId): Promise<PersonView | null>;
  /** Everybody with an account: for the operator on the machine itself. */
  listAll(): Promise<readonly UserView[]>;
}

export function createPeople({ database }: { readonly database: Pick<Database, 'withAuth'> }): People {
  return {
    describe: (userId, teamId) =>
      database.withAuth(async (tx) => {
        const user = await findUser(tx, userId);
        const membership = await findMembership(tx, userId, teamId);
        if (!user || !membership) return null;
        return {
          user: { id: user.id, email: user.email, name: user.name },
          team: { id: membership.teamId, name: membership.teamName, role: membership.role },
        };
      }),
    listAll: () => database.withAuth((tx) => listUsers(tx)),
  };
}
