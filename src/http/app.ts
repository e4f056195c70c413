import { randomBytes } from 'node:crypto';
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Access } from '#access/authorise.ts';
import type { Idempotency } from '#access/idempotency.ts';
import { CasemateError } from '#contract/errors.ts';
import { addressBlock } from '#identity/address-block.ts';
import type { Keys } from '#identity/keys.ts';
import type { Sessions } from '#identity/sessions.ts';
import { createCsrf } from '#http/csrf.ts';
import type { Route } from '#http/define-route.ts';
import type { Socket } from '#http/define-socket.ts';
import { createGuard } from '#http/guard.ts';
import { createHostGuard } from '#http/host-guard.ts';
import type { HttpConfig } from '#http/http-config.ts';
import { createLiveRequests, drainMs } from '#http/live-requests.ts';
import { registerMethodGuards } from '#http/method-guard.ts';
import { createOriginGuard } from '#http/origin-guard.ts';
import { servePages } from '#http/pages.ts';
import { patience } from '#http/patience.ts';
import { createRecognise } from '#http/recognise.ts';
import { registerRoute } from '#http/register-route.ts';
import { registerSocket } from '#http/register-socket.ts';
import { answerUnreadable } from '#http/unreadable.ts';
import { createFurtherHeaders, helmetOptions } from '#http/security-headers.ts';
import { sendProblem } from '#http/send-problem.ts';
import type { Services } from '#http/services.ts';
import { createSessionCookie } from '#http/session-cookie.ts';
import type { ServerFactory } from '#http/tls/tls-server.ts';
import { onlyJsonBodies } from '#http/json-bodies.ts';

/** A Fastify instance: `listen`, `close`, `server`. */
export type App = FastifyInstance;

export interface AppOptions {
  readonly config: HttpConfig;
  readonly log: FastifyBaseLogger;
  readonly access: Access;
  readonly idempotency: Idempotency;
  readonly sessions: Sessions;
  readonly keys: Keys;
  /** 32 bytes, for CSRF tokens alone. */
  readonly csrfKey: Uint8Array;
  readonly services: Services;
  readonly table: readonly (Route | Socket)[];
  /** Under TLS: makes the server that the app hangs on. */
  readonly serverFactory?: ServerFactory;
}

/** Answered in maintenance too: what watches the server must be able to tell. */
const watched = new Set(['/healthz', '/readyz']);

/** The app that faces the network. Listening is up to the caller. */
export async function createApp(options: AppOptions): Promise<App> {
  const { config, log, access, idempotency, sessions, keys, services, table } = options;
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: 1_048_576,
    http: { headersTimeout: patience.headersMs, connectionsCheckingInterval: patience.checkingMs },
    requestTimeout: patience.requestMs,
    connectionTimeout: patience.connectionMs,
    keepAliveTimeout: patience.keepAliveMs,
    ...(options.serverFactory ? { serverFactory: options.serverFactory } : {}),
    trustProxy: config.trustProxy.length > 0 ? [...config.trustProxy] : false,
    // A caller's own id would be written to the trail: ours only.
    requestIdHeader: false,
    genReqId: () => randomBytes(12).toString('base64url'),
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false, caseSensitive: true },
    return503OnClosing: true,
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply as never),
  });
  // Input is parsed by zod in the handlers; Fastify's own validator (which coerces and removes) has no say.
  app.setValidatorCompiler(() => () => true);
  onlyJsonBodies(app);
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));

  app.addHook('onResponse', async (request, reply) => {
    const fields = {
      method: request.method,
      // The pattern, not the address: addresses may carry what must not be logged.
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    request.log.info(fields, 'request');
  });

  // First, so that refusals carry the defences as well.
  await app.register(helmet, helmetOptions(config));
  const guardHost = createHostGuard(config.appHosts);
  const addFurtherHeaders = createFurtherHeaders(config);
  app.addHook('onRequest', async (request, reply) => {
    addFurtherHeaders(request, reply);
    guardHost(request);
    if (config.maintenance && !watched.has(request.url)) throw new CasemateError('maintenance');
  });
  await app.register(cors, {
    origin: config.allowedOrigins.length > 0 ? [...config.allowedOrigins] : false,
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['content-type', 'x-csrf-token', 'x-api-key', 'authorization', 'idempotency-key'],
    exposedHeaders: ['x-request-id', 'retry-after', 'idempotency-replayed'],
    maxAge: 600,
    strictPreflight: true,
  });
  await app.register(cookie);
  await app.register(rateLimit, {
    global: true,
    max: config.rateLimit.maximum,
    timeWindow: config.rateLimit.windowMs,
    cache: 10_000,
    enableDraftSpec: true,
    keyGenerator: (request) => addressBlock(request.ip),
    errorResponseBuilder: (_request, context) =>
      new CasemateError('rate_limited', undefined, {
        detail: { retryAfterSeconds: Math.max(1, Math.ceil(context.ttl / 1000)) },
      }),
  });

  const sockets = table.filter((entry) => entry.kind === 'socket');
  const subprotocols = new Set(sockets.map((socket) => socket.subprotocol));
  await app.register(websocket, {
    options: {
      maxPayload: Math.max(1, ...sockets.map((socket) => socket.maximumMessageBytes)),
      perMessageDeflate: false,
      handleProtocols: (offered) => [...offered].find((name) => subprotocols.has(name)) ?? false,
    },
    // Sockets end through their requests; the default would wait for every browser.
    preClose: async () => undefined,
  });

  const sessionCookie = createSessionCookie({ secure: config.secureCookies });
  const live = createLiveRequests({ log });
  sessions.onEnded(live.end);
  keys.onEnded(live.end);
  const guard = createGuard({
    recognise: createRecognise({ sessions, keys, cookie: sessionCookie }),
    access,
    csrf: createCsrf(options.csrfKey),
    origins: createOriginGuard(config),
    cookie: sessionCookie,
  });
  const environment = { guard, access, services, live, idempotency, cookie: sessionCookie };
  for (const entry of table) {
    if (entry.kind === 'route') registerRoute(app, entry, environment);
    else registerSocket(app, entry, { ...environment, touch: sessions.touch });
  }
  registerMethodGuards(app, table);
  await servePages(app, config.webDirectory);

  app.addHook('preClose', async () => {
    await live.drain(drainMs);
    live[Symbol.dispose]();
    app.websocketServer.close();
  });
  // Fastify leaves alone a server of a factory that it did not bring to listen.
  app.addHook('onClose', async () => {
    if (app.server.listening) app.server.close();
  });
  return app;
}
