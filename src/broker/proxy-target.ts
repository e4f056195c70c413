import { type NamedDestination, parseDestination } from '#broker/destination.ts';
import { guestCredentialHeaders } from '#broker/endpoint.ts';
import type { ForwardTarget } from '#broker/forward.ts';
import { endToEndHeaders, type HeaderList } from '#broker/header-list.ts';
import { Refusal } from '#broker/refusal.ts';

export interface ProxyUrl {
  readonly destination: NamedDestination;
  /** Path and query as the guest wrote them. */
  readonly path: string;
}

const absoluteForm = /^http:\/\/([^/?#]*)([/?][^#]*)?$/i;

/**
 * Parses a request target in absolute form (RFC 9112 §3.2.2). Only `http`: TLS goes through CONNECT.
 *
 * @throws Refusal 400
 */
export function parseProxyTarget(target: string): ProxyUrl {
  const parts = absoluteForm.exec(target);
  if (!parts) {
    throw new Refusal(400, 'not an http URL', 'only http:// URLs can be asked for; https goes through CONNECT');
  }
  const [, authority = '', path = '/'] = parts;
  return { destination: parseDestination(authority, 80), path: path.startsWith('/') ? path : `/${path}` };
}

/**
 * The request that goes upstream: `Host` is the URL's whatever the guest sent (RFC 9112 §3.2.2).
 *
 * @param pinned the destination has a credential of the team, so the guest's own are dropped (H11)
 */
export function proxyTarget(url: ProxyUrl, rawHeaders: HeaderList, pinned: boolean): ForwardTarget {
  const dropped = new Set(['host', 'content-length', ...(pinned ? guestCredentialHeaders : [])]);
  const { host, port } = url.destination;
  return {
    overTls: false,
    path: url.path,
    authority: port === 80 ? host : `${host}:${port}`,
    headers: endToEndHeaders(rawHeaders, dropped),
    droppedFromResponse: new Set(['alt-svc']),
    secrets: [],
  };
}
