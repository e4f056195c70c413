import type { TeamId, UserId } from '#base/ids.ts';

declare const scopeBrand: unique symbol;

/** Proof that the access room decided for this team. `userId` is null for what the server does by itself. */
export interface TenantScope {
  readonly teamId: TeamId;
  readonly userId: UserId | null;
  readonly [scopeBrand]: true;
}

const minted = new WeakSet<object>();

/** Mints a scope. Only the access room may import this. */
export function mintTenantScope(of: { readonly teamId: TeamId; readonly userId: UserId | null }): TenantScope {
  const scope = Object.freeze({ teamId: of.teamId, userId: of.userId }) as TenantScope;
  minted.add(scope);
  return scope;
}

/** Whether `scope` is the very object that was minted: neither a copy nor something of the same shape. */
export function isMintedScope(scope: unknown): scope is TenantScope {
  return typeof scope === 'object' && scope !== null && minted.has(scope);
}
