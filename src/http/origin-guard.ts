import type { FastifyRequest } from 'fastify';
import { CasemateError } from '#contract/errors.ts';
import type { HttpConfig } from '#http/http-config.ts';

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

export interface OriginGuard {
  /**
   * For what changes state or opens a socket. A browser says where the request comes from; a foreign
   * or opaque origin is refused. `strict`: it must say so (cookies were used).
   */
  check(request: FastifyRequest, strict: boolean): void;
}

export function createOriginGuard(config: Pick<HttpConfig, 'allowedOrigins' | 'production'>): OriginGuard {
  const allowed = new Set(config.allowedOrigins);

  const isOwn = (origin: string, host: string): boolean => {
    if (origin === `https://${host}`) return true;
    return origin === `http://${host}` && (!config.production || loopback.test(host));
  };

  return {
    check(request, strict) {
      const { origin } = request.headers;
      const site = request.headers['sec-fetch-site'];
      if (origin !== undefined) {
        if (allowed.has(origin)) return;
        if (!isOwn(origin.toLowerCase(), request.host.toLowerCase())) throw new CasemateError('csrf');
      }
      if (site !== undefined && site !== 'same-origin') throw new CasemateError('csrf');
      if (strict && origin === undefined && site === undefined) throw new CasemateError('csrf');
    },
  };
}
