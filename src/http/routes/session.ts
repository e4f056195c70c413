import { sessionSchema, type SessionView, signInRequestSchema } from '#contract/api.ts';
import type { UserActor } from '#access/actor.ts';
import { CasemateError } from '#contract/errors.ts';
import { defineRoute, type RequestContext } from '#http/define-route.ts';
import { publicRoute } from '#http/public-route.ts';
import { empty, json } from '#http/replies.ts';
import { type RouteAccess, signedIn } from '#http/route-access.ts';

/** What the pages need to know about whoever looks at them. */
export async function describeSession(
  actor: UserActor | null,
  { services, access }: Pick<RequestContext<RouteAccess>, 'services' | 'access'>,
): Promise<SessionView> {
  const person = actor && (await services.people.describe(actor.userId, actor.teamId));
  if (!actor || !person) {
    const setupNeeded = await services.setup.isNeeded();
    return { setupNeeded, user: null, team: null, permissions: [], csrfToken: null };
  }
  return {
    setupNeeded: false,
    ...person,
    permissions: [...(await access.permissionsOf(actor, actor.teamId))],
    csrfToken: services.csrf.tokenFor(actor),
  };
}

export const sessionRoutes = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/session',
    summary: 'Who is signed in, what they may do, and the token for state changes',
    access: publicRoute('the first page must learn whether to show set-up or sign-in; a stranger learns only that'),
    reply: json(sessionSchema),
    handler: async ({ actor, ...context }) => describeSession(actor.kind === 'user' ? actor : null, context),
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/session',
    summary: 'Sign in with e-mail address and password',
    access: publicRoute('this is how a stranger stops being one; attempts are limited durably'),
    body: signInRequestSchema,
    reply: json(sessionSchema, 201),
    handler: async ({ body, headers, address, requestId, actor, reply, ...context }) => {
      const origin = { address, requestId, agent: headers['user-agent']?.slice(0, 300) ?? null };
      const session = await context.services.signIn.withPassword(body, origin);
      // The browser forgets the one before, so it ends: nobody could sign it out any more.
      if (actor.kind === 'user') await context.services.sessions.end(actor, 'signed in again', origin);
      reply.sessionCookie(session.token);
      return describeSession(session.actor, context);
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/api/v1/session',
    summary: 'Sign out; the session and its open sockets end at once',
    access: signedIn,
    reply: empty,
    handler: async ({ actor, services, headers, address, requestId, reply }) => {
      if (actor.kind !== 'user') throw new CasemateError('conflict', 'A key has no session; revoke the key instead');
      const origin = { address, requestId, agent: headers['user-agent']?.slice(0, 300) ?? null };
      reply.sessionCookie(null);
      await services.sessions.end(actor, 'signed out', origin);
    },
  }),
];
