import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorCatalogue } from '#contract/errors.ts';
import { toCasemateError, toProblem } from '#http/problem.ts';

/** Answers with a problem; what is the server's own fault goes to the log with its cause. */
export async function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const known = toCasemateError(error);
  const { status } = errorCatalogue[known.code];
  if (known.code === 'internal') request.log.error({ err: error }, 'a request failed');
  else if (status >= 500) {
    request.log.warn({ code: known.code, err: known.cause }, 'a request could not be served');
  }
  const problem = toProblem(known, request.id);
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="casemate"');
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}
