import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '#access/authorise.ts';
import type { Idempotency } from '#access/idempotency.ts';
import type { Grant } from '#access/grant.ts';
import { canonicalJson, type Json } from '#base/canonical.ts';
import { CasemateError } from '#contract/errors.ts';
import { requestContext } from '#http/context.ts';
import type { Route } from '#http/define-route.ts';
import type { Guard, Guarded } from '#http/guard.ts';
import type { LiveRequests } from '#http/live-requests.ts';
import { parseInput } from '#http/parse-input.ts';
import { sendReply, serialise } from '#http/send-reply.ts';
import type { Services } from '#http/services.ts';
import type { SessionCookie } from '#http/session-cookie.ts';
import { assertStillLive, watchPermissions } from '#http/still-allowed.ts';

export interface RouteEnvironment {
  readonly guard: Guard;
  readonly access: Access;
  readonly services: Services;
  readonly live: LiveRequests;
  readonly idempotency: Idempotency;
  readonly cookie: SessionCookie;
}

const keyPattern = /^[\x21-\x7e]{1,128}$/;
const clientGone = new CasemateError('cancelled');

/** Puts one route of the table onto Fastify. */
export function registerRoute(app: FastifyInstance, route: Route, environment: RouteEnvironment): void {
  const guarded = new WeakMap<FastifyRequest, Guarded>();
  const name = `${route.method} ${route.path}`;

  app.route({
    method: route.method,
    url: route.path,
    ...(route.perMinute === undefined
      ? {}
      : { config: { rateLimit: { max: route.perMinute, timeWindow: 60_000, groupId: name } } }),
    // Before the body is read: who may not call costs no more than that. And after every onRequest, so
    // that the rate limit, which comes there last, counts what is refused here as well.
    preParsing: async (request, reply) => {
      const of = { kind: 'route', name, access: route.access, changes: route.method !== 'GET' } as const;
      guarded.set(request, await environment.guard(of, request, reply));
    },
    handler: async (request, reply) => {
      const known = guarded.get(request);
      if (!known) throw new TypeError(`${name} was reached without a decision`);
      reply.header('cache-control', 'no-store');
      const controller = new AbortController();
      const open = route.reply.kind === 'events' ? watchPermissions(environment.access, known) : undefined;
      const untrack = environment.live.track(known.credential, controller, open);
      reply.raw.once('close', () => {
        untrack();
        controller.abort(clientGone);
      });
      // A stream that is under way when its session ends is cut off, not finished.
      controller.signal.addEventListener('abort', () => {
        if (controller.signal.reason !== clientGone && reply.raw.headersSent) reply.raw.destroy();
      });
      // From here on its end is heard of; what was before is looked up.
      if (route.method !== 'GET' || open) await assertStillLive(known);
      return handle(route, request, reply, known, controller.signal, environment);
    },
  });
}

async function handle(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  known: Guarded,
  signal: AbortSignal,
  { access, services, idempotency, cookie }: RouteEnvironment,
): Promise<FastifyReply> {
  const params = parseInput(route.params, request.params, 'path');
  const query = parseInput(route.query, request.query, 'query');
  const body = parseInput(route.body, request.body, 'body');
  const act = async (): Promise<unknown> =>
    route.handler({
      ...requestContext(request, known, { signal, services, access }),
      params,
      query,
      body,
      headers: Object.fromEntries(
        Object.entries(request.headers).filter(
          (entry): entry is [string, string] => typeof entry[1] === 'string' && !secretHeaders.has(entry[0]),
        ),
      ),
      peerAddress: request.raw.socket.remoteAddress ?? '',
      reply: {
        header: (headerName, value) => void reply.header(headerName, value),
        sessionCookie: (token) => (token === null ? cookie.clear(reply) : cookie.set(reply, token)),
      },
    });

  const key = route.idempotent ? request.headers['idempotency-key'] : undefined;
  if (key === undefined) return sendReply(route.reply, await act(), reply, signal);
  if (typeof key !== 'string' || !keyPattern.test(key)) {
    throw new CasemateError('invalid_request', 'Idempotency-Key: 1 to 128 visible ASCII characters');
  }
  if (route.reply.kind !== 'json' || !known.grant) throw new TypeError(`${route.path} cannot be idempotent`);
  const { schema, status } = route.reply;
  const stored = await idempotency.once(known.grant as Grant, key, describe(route, request), async () => ({
    status,
    body: serialise(schema, await act()),
  }));
  if (stored.replayed) reply.header('idempotency-replayed', 'true');
  return reply.code(stored.status).type('application/json; charset=utf-8').send(stored.body);
}

/** What makes two requests the same. */
const describe = (route: Route, request: FastifyRequest): string =>
  canonicalJson([route.method, request.url, (request.body ?? null) as Json]);

const secretHeaders = new Set(['cookie', 'authorization', 'x-api-key', 'x-csrf-token']);
