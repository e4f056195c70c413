import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CasemateError } from '#contract/errors.ts';
import { sendProblem } from '#http/send-problem.ts';

/** Addresses that are never a page of the app. */
const notPages = /^\/(?:api|admin|assets|e2b|files|healthz|readyz|metrics|openapi\.json)(?:[/?]|$)/;

/** Pages have plain addresses: no dots, nothing encoded, no empty segment. */
const pagePath = /^(?:\/[A-Za-z0-9_-]+)*\/?$/;

/** Serves the built pages; what is no file and no API is the app's own address, answered with its page. */
export async function servePages(app: FastifyInstance, webDirectory: string): Promise<void> {
  const page = join(webDirectory, 'index.html');
  const built = existsSync(page);
  if (built) {
    await app.register(fastifyStatic, {
      root: webDirectory,
      // Files known at start only: nothing that appears later is served, and no path is looked up on disk.
      wildcard: false,
      index: false,
      dotfiles: 'ignore',
      cacheControl: false,
      // A service worker may only come from its own file.
      setHeaders: (reply, path) => {
        const hashed = path.includes('/assets/');
        reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  } else app.log.warn('the pages are not built; only the API is served');

  app.setNotFoundHandler(async (request, reply) => {
    if (!isPageRequest(request)) return sendProblem(new CasemateError('not_found'), request, reply);
    if (!built) {
      return sendProblem(new CasemateError('not_found', 'The pages of this server are not built'), request, reply);
    }
    return reply.sendFile('index.html', webDirectory);
  });
}

function isPageRequest(request: FastifyRequest): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  if (notPages.test(request.url) || request.headers['service-worker'] !== undefined) return false;
  const path = request.url.split('?')[0] ?? '';
  return pagePath.test(path) && (request.headers.accept ?? '').includes('text/html');
}
