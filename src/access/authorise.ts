import type { Clock } from '#base/clock.ts';
import type { TeamId, UserId } from '#base/ids.ts';
import type { Audit } from '#audit/audit.ts';
import { CasemateError } from '#contract/errors.ts';
import { permissions, type Permission, type Role, roleCatalogue } from '#contract/permissions.ts';
import { mintTenantScope } from '#database/tenant-scope.ts';
import { type Actor, auditActor, isMintedActor } from '#access/actor.ts';
import { type Grant, mintGrant } from '#access/grant.ts';
import { createStrangerDenials } from '#access/stranger-denials.ts';

/** Where a request came from, for the trail. */
export interface Circumstances {
  /** The team it would happen in; null for a stranger, who has none. */
  readonly teamId: TeamId | null;
  /** `GET /api/v1/workspaces/:id`, or the name of what asks. */
  readonly route: string;
  readonly requestId: string | null;
  readonly address: string | null;
}

export interface Access {
  /**
   * Decides, and mints the proof. Errors: CasemateError `not_signed_in` for a stranger, `forbidden`
   * for the rest; the denial is on record before it is thrown.
   */
  authorise<P extends Permission>(actor: Actor, permission: P, where: Circumstances): Promise<Grant<P>>;
  /** What `actor` may do in `teamId` now: what the interface shows. Mints nothing. */
  permissionsOf(actor: Actor, teamId: TeamId | null): Promise<readonly Permission[]>;
}

export interface AccessOptions {
  /** The role a person has in a team at this moment; null: none. */
  readonly roleOf: (teamId: TeamId, userId: UserId) => Promise<Role | null>;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
}

export function createAccess({ roleOf, audit, clock }: AccessOptions): Access {
  const recordStranger = createStrangerDenials({ audit, clock });
  const permissionsOf = async (actor: Actor, teamId: TeamId | null): Promise<readonly Permission[]> => {
    if (!isMintedActor(actor)) throw new TypeError('an actor was not minted');
    if (actor.kind === 'stranger' || teamId === null) return [];
    if (actor.kind === 'operator' || actor.kind === 'system') return permissions;
    // A session or key works in one team; another team needs another session or key.
    if (actor.teamId !== teamId) return [];
    const role = await roleOf(teamId, actor.userId);
    if (role === null) return [];
    const ofRole: readonly Permission[] = roleCatalogue[role];
    if (actor.kind === 'user' || actor.scopes.includes('*')) return ofRole;
    return ofRole.filter((permission) => actor.scopes.includes(permission));
  };

  return {
    permissionsOf,
    async authorise(actor, permission, where) {
      const allowed = await permissionsOf(actor, where.teamId);
      if (where.teamId === null || !allowed.includes(permission)) {
        if (actor.kind === 'stranger') {
          await recordStranger({ ...where, permission });
          throw new CasemateError('not_signed_in');
        }
        await audit.record({
          event: 'access.denied',
          chain: 'teamId' in actor ? actor.teamId : 'instance',
          actor: auditActor(actor),
          outcome: 'denied',
          requestId: where.requestId,
          address: where.address,
          fields: { permission, route: where.route, reason: reasonFor(actor, where.teamId) },
        });
        throw new CasemateError('forbidden');
      }
      return mintGrant({
        permission,
        actor,
        teamId: where.teamId,
        scope: mintTenantScope({ teamId: where.teamId, userId: 'userId' in actor ? actor.userId : null }),
        requestId: where.requestId,
        address: where.address,
      });
    },
  };
}

function reasonFor(actor: Actor, teamId: TeamId | null): string {
  if ('teamId' in actor && actor.teamId !== teamId) return 'another team';
  return actor.kind === 'key' ? 'scope or role' : 'role';
}
