import { createHmac, timingSafeEqual } from 'node:crypto';
import type { UserActor } from '#access/actor.ts';

export interface Csrf {
  /** The token of a session: what the pages send back as `x-csrf-token`. */
  tokenFor(actor: UserActor): string;
  matches(actor: UserActor, token: unknown): boolean;
}

/** `key`: 32 bytes, for this purpose alone. The token is an HMAC of the session, so nothing is stored. */
export function createCsrf(key: Uint8Array): Csrf {
  const tokenFor = (actor: UserActor): string =>
    createHmac('sha256', key).update(`csrf ${actor.sessionId}`).digest('base64url');
  return {
    tokenFor,
    matches(actor, token) {
      if (typeof token !== 'string') return false;
      const given = Buffer.from(token);
      const expected = Buffer.from(tokenFor(actor));
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
