import type { FastifyInstance } from 'fastify';
import { CasemateError } from '#contract/errors.ts';
import type { Route } from '#http/define-route.ts';
import type { Socket } from '#http/define-socket.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Answers 405 with `Allow` (RFC 9110 section 15.5.6) where the address exists and the method does not. */
export function registerMethodGuards(app: FastifyInstance, table: readonly (Route | Socket)[]): void {
  const known = new Map<string, Set<string>>();
  for (const entry of table) {
    const allowed = known.get(entry.path) ?? new Set();
    allowed.add(entry.kind === 'socket' ? 'GET' : entry.method);
    known.set(entry.path, allowed);
  }
  for (const [path, allowed] of known) {
    app.route({
      method: methods.filter((method) => !allowed.has(method)),
      url: path,
      onRequest: async (_request, reply) => {
        reply.header('allow', [...allowed].join(', '));
        throw new CasemateError('method_not_allowed');
      },
      handler: async () => undefined,
    });
  }
}
