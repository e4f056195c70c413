import type { TeamId, UserId } from '#base/ids.ts';
import type { AuditActor } from '#contract/audit.ts';

/** A person with a live session. */
export interface UserActor {
  readonly kind: 'user';
  readonly userId: UserId;
  /** The team the session works in. */
  readonly teamId: TeamId;
  readonly sessionId: string;
}

/** A program with an API key. */
export interface KeyActor {
  readonly kind: 'key';
  readonly keyId: string;
  /** Whose rights the key has at most. */
  readonly userId: UserId;
  readonly teamId: TeamId;
  readonly scopes: readonly string[];
}

/** Whoever reaches the admin socket: its directory's mode is the proof. */
export interface OperatorActor {
  readonly kind: 'operator';
}

/** What the server does by itself, such as stopping what is idle. */
export interface SystemActor {
  readonly kind: 'system';
  readonly process: string;
}

export interface StrangerActor {
  readonly kind: 'stranger';
}

export type SignedInActor = UserActor | KeyActor;
export type Actor = SignedInActor | OperatorActor | SystemActor | StrangerActor;

const minted = new WeakSet<object>();

/**
 * Says who acts. Called where somebody has just been recognised (identity, the admin socket, the
 * composition root); the checker refuses an actor that was not made here.
 */
export function mintActor<Kind extends Actor>(of: Kind): Kind {
  const actor: Kind = { ...of };
  if ('scopes' in actor) Object.freeze(actor.scopes);
  Object.freeze(actor);
  minted.add(actor);
  return actor;
}

export function isMintedActor(actor: unknown): actor is Actor {
  return typeof actor === 'object' && actor !== null && minted.has(actor);
}

export const stranger: StrangerActor = mintActor<StrangerActor>({ kind: 'stranger' });

/** How the trail names an actor. */
export function auditActor(actor: Actor): AuditActor {
  switch (actor.kind) {
    case 'user':
      return { kind: 'user', id: actor.userId };
    case 'key':
      return { kind: 'key', id: actor.keyId, owner: actor.userId };
    case 'operator':
      return { kind: 'operator' };
    case 'system':
      return { kind: 'system', process: actor.process };
    case 'stranger':
      return { kind: 'stranger' };
  }
}
