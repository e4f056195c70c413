import { isIP } from 'node:net';
import { Refusal } from '#broker/refusal.ts';

/** A destination in its one canonical form, in which policies name it and the journal records it. */
export interface NamedDestination {
  /** Lower-case ASCII name without a trailing dot, dotted IPv4, or `[IPv6]` as RFC 5952 writes it. */
  readonly host: string;
  readonly port: number;
  /** The bare address when the host is a literal. */
  readonly literal: string | null;
}

const authorityForm = /^(\[[0-9A-Fa-f:.]{2,45}\]|[^[\]:@/?#\\%\s]{1,255})(?::(\d{1,5}))?$/u;
const nameForm = /^(?=.{1,253}$)(?:(?!-)[a-z0-9_-]{1,63}(?<!-)\.)*(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

const malformed = (): Refusal =>
  new Refusal(400, 'malformed destination', 'the destination is not a valid host and port');

/**
 * Parses `host`, `host:port` or `[v6]:port` of a request line (RFC 9112 §3.2). Names go through IDNA and
 * the odd spellings of IPv4 (hexadecimal, octal, short forms) become dotted decimal, as the URL standard
 * does it, so that no spelling of a destination escapes a rule about it. User information, zone ids,
 * percent-encoding and port 0 are refused.
 *
 * @param defaultPort taken when the text has no port; without it a port is required
 * @throws Refusal 400
 */
export function parseDestination(text: string, defaultPort?: number): NamedDestination {
  const parts = authorityForm.exec(text);
  if (!parts?.[1]) throw malformed();
  const port = parts[2] === undefined ? defaultPort : Number(parts[2]);
  if (port === undefined || port < 1 || port > 65_535) throw malformed();
  const url = URL.parse(`http://${parts[1]}/`);
  if (!url) throw malformed();
  const host = url.hostname.endsWith('.') ? url.hostname.slice(0, -1) : url.hostname;
  if (host.startsWith('[')) {
    const literal = host.slice(1, -1);
    if (isIP(literal) !== 6) throw malformed();
    return { host, port, literal };
  }
  if (isIP(host) === 4) return { host, port, literal: host };
  if (!nameForm.test(host)) throw malformed();
  return { host, port, literal: null };
}
