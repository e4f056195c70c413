import { type Permission, permissions } from '#contract/permissions.ts';
import type { PublicAccess } from '#http/public-route.ts';

/** Who may call: there is no default. */
export interface PermissionAccess<P extends Permission = Permission> {
  readonly kind: 'permission';
  readonly permission: P;
}
export interface SignedInAccess {
  readonly kind: 'signed-in';
}
export type RouteAccess = PermissionAccess | SignedInAccess | PublicAccess;

/** Those who hold `permission` in the team that their session or key works in. */
export function requires<P extends Permission>(permission: P): PermissionAccess<P> {
  return Object.freeze({ kind: 'permission', permission });
}

/** Anybody who is recognised, whatever their role: what concerns only themselves. */
export const signedIn: SignedInAccess = Object.freeze({ kind: 'signed-in' });

/** Throws a TypeError for anything but one of the three: a route without access never starts. */
export function assertRouteAccess(access: unknown, route: string): asserts access is RouteAccess {
  const candidate = (access ?? {}) as { kind?: unknown; permission?: unknown; reason?: unknown };
  const valid =
    candidate.kind === 'signed-in' ||
    (candidate.kind === 'permission' && permissions.includes(candidate.permission as Permission)) ||
    (candidate.kind === 'public' && typeof candidate.reason === 'string' && candidate.reason.length > 0);
  if (!valid) throw new TypeError(`${route} does not state its access`);
}
