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
    const named = namedHosts(request.raw.rawHeaders);
    const host = named[0];
    if (host === undefined || named.some((name) => name !== host) || !known.has(host)) {
      throw new CasemateError('unknown_host');
    }
    // A proxy that is trusted may say another host, and that one becomes the origin that is checked.
    if (!known.has(request.host.toLowerCase())) throw new CasemateError('unknown_host');
  };
}

/** Every host that a request names; of each field one at most, or the reading of the next program might differ. */
function namedHosts(rawHeaders: readonly string[]): string[] {
  const values = (field: string): string[] =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === field);
  // HTTP/2 has `:authority`, and `Host` beside it only with the same value (RFC 9113, section 8.3.1).
  const fields = [values(':authority'), values('host')];
  return fields.some((found) => found.length > 1) ? [] : fields.flat().map((name) => name.toLowerCase());
}
