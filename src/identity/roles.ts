import type { TeamId, UserId } from '#base/ids.ts';
import type { Role } from '#contract/permissions.ts';
import type { Database } from '#database/database.ts';
import { findFirstOwner, findMembership } from '#database/identity/team-store.ts';
import { findUser } from '#database/identity/user-store.ts';

export interface Roles {
  /** The role somebody has in a team at this moment; null for none, and for a disabled account. */
  roleOf(teamId: TeamId, userId: UserId): Promise<Role | null>;
  /** Whom the operator acts for on the machine itself; null before set-up. */
  firstOwner(): Promise<{ readonly teamId: TeamId; readonly userId: UserId } | null>;
}

export function createRoles({ database }: { readonly database: Pick<Database, 'withAuth'> }): Roles {
  return {
    roleOf: (teamId, userId) =>
      database.withAuth(async (tx) => {
        const membership = await findMembership(tx, userId, teamId);
        if (!membership) return null;
        const user = await findUser(tx, userId);
        return user && user.disabledAt === null ? membership.role : null;
      }),
    firstOwner: async () => (await database.withAuth((tx) => findFirstOwner(tx))) ?? null,
  };
}
