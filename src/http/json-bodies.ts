import type { FastifyInstance } from 'fastify';
import { CasemateError } from '#contract/errors.ts';

/** JSON or nothing: forms and plain text need no preflight, so another site's page could send them. */
export function onlyJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/json(?:;|$)/, { parseAs: 'string' }, (_request, text, done) => {
    if (text.length === 0) return done(null, undefined);
    try {
      // Members named `__proto__` are plain members to the schemas, which refuse what they do not know.
      done(null, JSON.parse(text as string));
    } catch {
      done(new CasemateError('invalid_request', 'The body is not JSON'), undefined);
    }
  });
}
