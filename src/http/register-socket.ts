import type { WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CasemateError, errorCatalogue } from '#contract/errors.ts';
import { requestContext } from '#http/context.ts';
import type { Socket } from '#http/define-socket.ts';
import type { Guarded } from '#http/guard.ts';
import { accessChanged, credentialEnded } from '#http/live-requests.ts';
import { parseInput } from '#http/parse-input.ts';
import { toCasemateError } from '#http/problem.ts';
import type { RouteEnvironment } from '#http/register-route.ts';
import { assertStillLive, watchPermissions } from '#http/still-allowed.ts';

/** Closing code of a socket whose session or key ended: 4000 + 401. */
export const signedOutCloseCode = 4401;
const goingAway = 1001;
/** The server stops and most likely comes back: the browser tries again from the byte it has (RFC 6455 registry, 1012). */
const serviceRestart = 1012;
/** A browser that vanished without a word is noticed after two of these. */
const pingEveryMs = 20_000;

interface Admitted {
  readonly guarded: Guarded;
  readonly params: unknown;
  readonly query: unknown;
}

/** Puts one socket of the table onto Fastify. Everything is decided before the upgrade. */
export function registerSocket(
  app: FastifyInstance,
  socketRoute: Socket,
  environment: Omit<RouteEnvironment, 'idempotency' | 'cookie'> & {
    readonly touch: (sessionId: string) => Promise<void>;
  },
): void {
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  const { live, services, access, touch } = environment;

  app.route({
    method: 'GET',
    url: socketRoute.path,
    // After every onRequest, where the rate limit is: what is refused here counts.
    preParsing: async (request, reply) => {
      const of = {
        kind: 'socket',
        name: `socket ${socketRoute.path}`,
        access: socketRoute.access,
        changes: true,
      } as const;
      const guarded = await environment.guard(of, request, reply);
      if (!request.ws) throw new CasemateError('invalid_request', 'This address is for WebSockets');
      const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
      if (!offered.includes(socketRoute.subprotocol)) {
        throw new CasemateError(
          'invalid_request',
          `The WebSocket must offer the subprotocol ${socketRoute.subprotocol}`,
        );
      }
      admitted.set(request, {
        guarded,
        params: parseInput(socketRoute.params, request.params, 'path'),
        query: parseInput(socketRoute.query, request.query, 'query'),
      });
    },
    handler: async () => {
      throw new CasemateError('invalid_request', 'This address is for WebSockets');
    },
    wsHandler: async (socket: WebSocket, request: FastifyRequest) => {
      const known = admitted.get(request);
      if (!known) throw new TypeError(`${socketRoute.path} was reached without a decision`);
      const { guarded, params, query } = known;
      const controller = new AbortController();
      let untrack = (): void => undefined;
      controller.signal.addEventListener('abort', () => {
        if (controller.signal.reason === credentialEnded) socket.close(signedOutCloseCode, 'the session ended');
        else if (controller.signal.reason === accessChanged) socket.close(goingAway, 'access changed');
        else socket.close(serviceRestart, 'restarting');
        // Who does not answer the close within a while is cut off.
        setTimeout(() => socket.terminate(), 2_000).unref();
      });
      const stopPinging = keepAlive(socket);
      socket.once('close', () => {
        stopPinging();
        untrack();
        controller.abort();
      });
      try {
        untrack = live.track(guarded.credential, controller, watchPermissions(access, guarded));
        const handled = socketRoute.handler({
          ...requestContext(request, guarded, { signal: controller.signal, services, access }),
          params,
          query,
          socket,
          touch: () => {
            if (guarded.actor.kind !== 'user') return;
            touch(guarded.actor.sessionId).catch((error: unknown) =>
              request.log.warn({ err: error }, 'a session could not be kept from running idle'),
            );
          },
        });
        // The handler takes the socket in this turn, so that no frame is lost; this runs beside it.
        const ended = assertStillLive(guarded).catch((error: unknown) => {
          if (error instanceof CasemateError && error.code === 'not_signed_in') controller.abort(credentialEnded);
          else throw error;
        });
        await Promise.all([handled, ended]);
        socket.close(1000);
      } catch (error) {
        const problem = toCasemateError(error);
        if (problem.code === 'internal') request.log.error({ err: error }, 'a socket failed');
        const { status, title } = errorCatalogue[problem.code];
        socket.close(4000 + status, title);
      }
    },
  });
}

function keepAlive(socket: WebSocket): () => void {
  let answered = true;
  const onPong = () => {
    answered = true;
  };
  socket.on('pong', onPong);
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, pingEveryMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    socket.off('pong', onPong);
  };
}
