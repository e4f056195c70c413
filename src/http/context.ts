import type { FastifyRequest } from 'fastify';
import type { Access } from '#access/authorise.ts';
import type { RequestContext } from '#http/define-route.ts';
import type { Guarded } from '#http/guard.ts';
import type { RouteAccess } from '#http/route-access.ts';
import type { Services } from '#http/services.ts';

/** What every handler gets beside its input. */
export function requestContext(
  request: FastifyRequest,
  guarded: Guarded,
  of: { readonly signal: AbortSignal; readonly services: Services; readonly access: Access },
): RequestContext<RouteAccess> {
  const context = {
    actor: guarded.actor,
    grant: guarded.grant,
    requestId: request.id,
    address: request.ip,
    log: request.log,
    ...of,
  };
  // The guard gave an actor and a grant of the kind that the route's access names.
  return context as RequestContext<RouteAccess>;
}
