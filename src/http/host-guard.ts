import type { FastifyRequest } from 'fastify';
import { CasemateError } from '#contract/errors.ts';

/**
 * Refuses hosts that are not the app's (421, RFC 9110 section 15.5.20): a name that an attacker
 * points at this address must not become an origin of the app (DNS rebinding).
 */
export function createHostGuard(appHosts: readonly string[]): (request: FastifyRequest) => void {
  const known = new Set(appHosts.map((host) => host.toLowerCase()));
  return (request) => {
    // A whole URL as the target (RFC 9112, 3.2.2) names a host of its own; no client of ours sends one.
    if (request.raw.url?.startsWith('/') !== true) throw new CasemateError('unknown_host');
    const raw = request.raw.rawHeaders.filter(
      (_, index, all) => index % 2 === 0 && all[index]?.toLowerCase() === 'host',
    );
    const host = request.headers.host?.toLowerCase();
    if (raw.length !== 1 || host === undefined || !known.has(host)) throw new CasemateError('unknown_host');
    // A proxy that is trusted may say another host, and that one becomes the origin that is checked.
    if (!known.has(request.host.toLowerCase())) throw new CasemateError('unknown_host');
  };
}
