import type { TeamId } from '#base/ids.ts';
import type { AuditActor } from '#contract/audit.ts';
import type { Permission } from '#contract/permissions.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import { type Actor, auditActor } from '#access/actor.ts';

declare const grantBrand: unique symbol;

/**
 * Proof, within this process, that `actor` may do `permission` in one team. A room's operation takes
 * it as its first argument and calls `assertGrant`; `scope` opens the team's transactions.
 */
export interface Grant<out P extends Permission = Permission> {
  readonly permission: P;
  readonly actor: Actor;
  readonly teamId: TeamId;
  readonly scope: TenantScope;
  readonly requestId: string | null;
  readonly address: string | null;
  readonly [grantBrand]: P;
}

const minted = new WeakSet<object>();

/** Mints a grant. Only access/authorise.ts imports this. */
export function mintGrant<P extends Permission>(of: Omit<Grant<P>, typeof grantBrand>): Grant<P> {
  const grant = Object.freeze({ ...of }) as Grant<P>;
  minted.add(grant);
  return grant;
}

/**
 * Refuses what the checker did not mint, and a grant for something else. A failure is a defect of the
 * caller, hence a TypeError (500), never an answer to a person.
 */
export function assertGrant<P extends Permission>(grant: unknown, permission: P): asserts grant is Grant<P> {
  if (typeof grant !== 'object' || grant === null || !minted.has(grant)) throw new TypeError('a grant was not minted');
  if ((grant as Grant).permission !== permission) throw new TypeError(`a grant is not for ${permission}`);
}

/** The members of an audit entry that a grant knows. */
export function auditContext(grant: Grant): {
  readonly chain: TeamId;
  readonly actor: AuditActor;
  readonly requestId: string | null;
  readonly address: string | null;
} {
  return {
    chain: grant.teamId,
    actor: auditActor(grant.actor),
    requestId: grant.requestId,
    address: grant.address,
  };
}
