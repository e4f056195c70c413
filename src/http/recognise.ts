import type { FastifyRequest } from 'fastify';
import { type Actor, type SignedInActor, stranger, type UserActor } from '#access/actor.ts';
import type { Keys } from '#identity/keys.ts';
import type { Sessions } from '#identity/sessions.ts';
import { hashToken } from '#identity/token.ts';
import type { SessionCookie } from '#http/session-cookie.ts';

/** Who asks, by what, and how to tell whether that still holds. */
export interface Recognised<A extends Actor = Actor> {
  readonly actor: A;
  /** True when a cookie said so: then the request must prove that it comes from our pages. */
  readonly byCookie: boolean;
  /** Something was sent that did not hold: expired, revoked or made up. */
  readonly stale: boolean;
  readonly credential: { readonly id: string; isLive(): Promise<boolean> } | null;
}

export type Recognise = (request: FastifyRequest) => Promise<Recognised>;

const nobody = { actor: stranger, byCookie: false, credential: null } as const;

/** An API key (`X-API-KEY`, or RFC 6750 bearer) goes before the session's cookie. */
export function createRecognise(options: {
  readonly sessions: Sessions;
  readonly keys: Keys;
  readonly cookie: SessionCookie;
}): Recognise {
  const { sessions, keys, cookie } = options;

  const byKey = async (key: string): Promise<Recognised> => {
    const actor = await keys.recognise(key);
    if (!actor) return { ...nobody, stale: true };
    const hash = hashToken(key);
    return signedIn(actor, false, { id: actor.keyId, isLive: () => keys.isLive(hash) });
  };

  return async (request) => {
    const header = request.headers['x-api-key'];
    if (typeof header === 'string') return byKey(header);
    const bearer = /^bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.authorization ?? '');
    if (bearer?.[1]) return byKey(bearer[1]);
    if (request.headers.authorization !== undefined) return { ...nobody, stale: true };
    const token = request.cookies[cookie.name];
    if (token === undefined) return { ...nobody, stale: false };
    const actor: UserActor | null = await sessions.recognise(token);
    if (!actor) return { ...nobody, byCookie: true, stale: true };
    return signedIn(actor, true, { id: actor.sessionId, isLive: () => sessions.isLive(actor.sessionId) });
  };
}

function signedIn(
  actor: SignedInActor,
  byCookie: boolean,
  credential: NonNullable<Recognised['credential']>,
): Recognised {
  return { actor, byCookie, stale: false, credential };
}
