import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '#access/actor.ts';
import type { Access } from '#access/authorise.ts';
import type { Grant } from '#access/grant.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Csrf } from '#http/csrf.ts';
import type { OriginGuard } from '#http/origin-guard.ts';
import type { Recognise, Recognised } from '#http/recognise.ts';
import type { RouteAccess } from '#http/route-access.ts';
import type { SessionCookie } from '#http/session-cookie.ts';

/** What a request may do, decided before its body is read. */
export interface Guarded {
  readonly actor: Actor;
  readonly grant: Grant | undefined;
  readonly credential: Recognised['credential'];
}

/** The part of a route or socket that is decided on. */
export interface Guardable {
  readonly kind: 'route' | 'socket';
  readonly name: string;
  readonly access: RouteAccess;
  /** False for GET. */
  readonly changes: boolean;
}

export type Guard = (of: Guardable, request: FastifyRequest, reply: FastifyReply) => Promise<Guarded>;

/** The guard of the port that faces the network. */
export function createGuard(options: {
  readonly recognise: Recognise;
  readonly access: Access;
  readonly csrf: Csrf;
  readonly origins: OriginGuard;
  readonly cookie: SessionCookie;
}): Guard {
  const { recognise, access, csrf, origins, cookie } = options;
  return async (of, request, reply) => {
    const recognised = await recognise(request);
    const { actor, byCookie, credential } = recognised;
    const isPublic = of.access.kind === 'public';
    if (of.kind === 'socket') origins.check(request, byCookie);
    else if (byCookie && !isPublic) {
      if (of.changes) {
        origins.check(request, true);
        if (actor.kind === 'user' && !csrf.matches(actor, request.headers['x-csrf-token'])) {
          throw new CasemateError('csrf');
        }
      } else if (request.headers['sec-fetch-site'] !== 'none') origins.check(request, false);
    } else if (isPublic && of.changes) origins.check(request, false);

    if (recognised.stale && byCookie) cookie.clear(reply);
    if (isPublic) return { actor, grant: undefined, credential };
    const circumstances = {
      teamId: 'teamId' in actor ? actor.teamId : null,
      route: of.name,
      requestId: request.id,
      address: request.ip,
    };
    if (of.access.kind === 'permission') {
      return { actor, grant: await access.authorise(actor, of.access.permission, circumstances), credential };
    }
    if (actor.kind === 'stranger') throw new CasemateError('not_signed_in');
    return { actor, grant: undefined, credential };
  };
}
