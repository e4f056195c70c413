import { and, asc, eq } from 'drizzle-orm';
import type { TeamId, UserId } from '#base/ids.ts';
import type { Role } from '#contract/permissions.ts';
import { memberships, teams } from '#database/schema/identity.ts';
import type { AuthTransaction, JobTransaction, TenantTransaction } from '#database/transaction.ts';

export type TeamRow = typeof teams.$inferSelect;

/** A team that somebody belongs to. */
export interface MembershipView {
  readonly teamId: TeamId;
  readonly teamName: string;
  readonly role: Role;
}

const view = { teamId: teams.id, teamName: teams.name, role: memberships.role };

export async function createTeam(
  tx: AuthTransaction,
  team: Pick<typeof teams.$inferInsert, 'id' | 'name' | 'personal'>,
): Promise<TeamRow | undefined> {
  const [row] = await tx.insert(teams).values(team).returning();
  return row;
}

export async function addMembership(
  tx: AuthTransaction,
  membership: { readonly teamId: TeamId; readonly userId: UserId; readonly role: Role },
): Promise<void> {
  await tx.insert(memberships).values(membership);
}

/** The teams of a person, the oldest first. */
export async function listMemberships(tx: AuthTransaction, userId: UserId): Promise<readonly MembershipView[]> {
  return tx
    .select(view)
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.teamId))
    .where(eq(memberships.userId, userId))
    .orderBy(asc(memberships.createdAt), asc(memberships.teamId));
}

/** A person's place in a team; undefined for who is not in it. */
export async function findMembership(
  tx: AuthTransaction,
  userId: UserId,
  teamId: TeamId,
): Promise<MembershipView | undefined> {
  const [row] = await tx
    .select(view)
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.teamId))
    .where(and(eq(memberships.userId, userId), eq(memberships.teamId, teamId)));
  return row;
}

/** The oldest owner of the oldest team: who the operator acts for on the machine itself. */
export async function findFirstOwner(
  tx: AuthTransaction,
): Promise<{ readonly teamId: TeamId; readonly userId: UserId } | undefined> {
  const [row] = await tx
    .select({ teamId: memberships.teamId, userId: memberships.userId })
    .from(memberships)
    .where(eq(memberships.role, 'owner'))
    .orderBy(asc(memberships.createdAt), asc(memberships.teamId))
    .limit(1);
  return row;
}

/** The scope's own team. */
export async function findTeam(tx: TenantTransaction): Promise<TeamRow | undefined> {
  const [row] = await tx.select().from(teams);
  return row;
}

/** Every team's id, for work that goes through all of them. */
export async function listTeamIds(tx: JobTransaction<'lifecycle'>): Promise<readonly TeamId[]> {
  const rows = await tx.select({ id: teams.id }).from(teams).orderBy(asc(teams.id));
  return rows.map((row) => row.id);
}
