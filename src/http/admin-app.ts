import { randomBytes } from 'node:crypto';
import cookie from '@fastify/cookie';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Access } from '#access/authorise.ts';
import type { Idempotency } from '#access/idempotency.ts';
import type { Roles } from '#identity/roles.ts';
import { adminTable } from '#http/admin-table.ts';
import { createOperatorGuard } from '#http/operator-guard.ts';
import { onlyJsonBodies } from '#http/json-bodies.ts';
import { createLiveRequests, drainMs } from '#http/live-requests.ts';
import { registerMethodGuards } from '#http/method-guard.ts';
import { CasemateError } from '#contract/errors.ts';
import { registerRoute } from '#http/register-route.ts';
import { sendProblem } from '#http/send-problem.ts';
import type { Services } from '#http/services.ts';
import { createSessionCookie } from '#http/session-cookie.ts';

/**
 * The app behind the admin socket. The mode of the socket's directory is the authentication, so
 * whoever reaches it is the operator. It never listens on a network.
 */
export async function createAdminApp(options: {
  readonly log: FastifyBaseLogger;
  readonly access: Access;
  readonly idempotency: Idempotency;
  readonly roles: Roles;
  readonly services: Services;
}): Promise<FastifyInstance> {
  const { log, access, idempotency, roles, services } = options;
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: 1_048_576,
    requestIdHeader: false,
    genReqId: () => randomBytes(12).toString('base64url'),
    exposeHeadRoutes: false,
  });
  app.setValidatorCompiler(() => () => true);
  onlyJsonBodies(app);
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => sendProblem(new CasemateError('not_found'), request, reply));
  await app.register(cookie);
  const live = createLiveRequests({ log });
  const environment = {
    guard: createOperatorGuard({ access, roles }),
    access,
    services,
    live,
    idempotency,
    cookie: createSessionCookie({ secure: true }),
  };
  for (const route of adminTable) registerRoute(app, route, environment);
  registerMethodGuards(app, adminTable);
  app.addHook('preClose', async () => {
    await live.drain(drainMs);
    live[Symbol.dispose]();
  });
  return app;
}
