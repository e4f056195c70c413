import type { TeamId } from '#base/ids.ts';
import type { CredentialKind } from '#contract/broker.ts';
import { parseDestination } from '#broker/destination.ts';
import type { ForwardTarget } from '#broker/forward.ts';
import { endToEndHeaders, type HeaderList, headerPairs } from '#broker/header-list.ts';
import { Refusal } from '#broker/refusal.ts';
import type { Credential, SecretStore } from '#broker/secret-store.ts';

/** A request to one of the door's credential endpoints. */
export interface EndpointMatch {
  readonly kind: CredentialKind;
  /** For `git`: `host` or `host:port` of the first path segment. */
  readonly authority: string | null;
  /** What follows the endpoint's prefix; begins with `/` unless empty or a query. */
  readonly rest: string;
}

const endpointForm = /^\/(?:(anthropic|openai)|git\/([^/?#]{1,300}))((?:[/?].*)?)$/s;

/** Which credential endpoint an origin-form request target is for, if any. */
export function matchEndpoint(target: string): EndpointMatch | undefined {
  const parts = endpointForm.exec(target);
  if (!parts) return undefined;
  const kind = parts[1] === 'anthropic' || parts[1] === 'openai' ? parts[1] : 'git';
  return { kind, authority: parts[2] ?? null, rest: parts[3] ?? '' };
}

/**
 * The team's credential for an endpoint: for `git` the one of that host whose base path is the longest
 * that leads to the request, so that a credential for one group of repositories is not sent to another.
 *
 * @throws Refusal 400 for a path that could lead out of the base URL
 */
export function findCredential(secrets: SecretStore, teamId: TeamId, match: EndpointMatch): Credential | undefined {
  refuseDotSegments(match.rest);
  const candidates = secrets.ofTeam(teamId).filter(({ description }) => description.kind === match.kind);
  if (match.authority === null) return candidates[0];
  const wanted = parseDestination(match.authority, 443);
  const explicit = /:\d+$/.test(match.authority);
  return candidates
    .filter(({ destination, basePath }) => {
      if (destination.host !== wanted.host || (explicit && destination.port !== wanted.port)) return false;
      return basePath === '' || match.rest === basePath || match.rest.startsWith(`${basePath}/`);
    })
    .sort((a, b) => b.basePath.length - a.basePath.length)[0];
}

/** Fields by which a guest could name an account of its own; they never go to a credential's host (H11). */
export const guestCredentialHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'cookie2',
  'x-api-key',
  'api-key',
  'apikey',
  'x-auth-token',
  'x-access-token',
  'x-goog-api-key',
  'private-token',
  'job-token',
  'deploy-token',
]);

const droppedFromResponse: ReadonlySet<string> = new Set([
  'set-cookie',
  'set-cookie2',
  'alt-svc',
  'authorization',
  'x-api-key',
]);

/** Where the request goes and with which credential; all that the guest sent as its own is dropped. */
export function endpointTarget(match: EndpointMatch, credential: Credential, rawHeaders: HeaderList): ForwardTarget {
  const secret = credential.reveal();
  const { destination, overTls, basePath, description } = credential;
  const dropped = new Set([...guestCredentialHeaders, 'host', 'content-length', 'x-forwarded-for', 'forwarded']);
  const headers = endToEndHeaders(rawHeaders, dropped);
  const prefixed = description.kind === 'git' || basePath === '' ? match.rest : `${basePath}${match.rest}`;
  const standard = overTls ? 443 : 80;
  return {
    overTls,
    path: prefixed.startsWith('/') ? prefixed : `/${prefixed}`,
    authority: destination.port === standard ? destination.host : `${destination.host}:${destination.port}`,
    headers: withCredential(headers, credential, secret),
    droppedFromResponse,
    secrets: [secret, basicCredential(credential, secret)],
  };
}

/** Subscription tokens are bearer tokens, and the API takes them only with this beta named. */
const oauthBeta = 'oauth-2025-04-20';

const basicCredential = ({ description }: Credential, secret: string): string =>
  Buffer.from(`${description.userName}:${secret}`).toString('base64');

function withCredential(headers: string[], credential: Credential, secret: string): string[] {
  const { description } = credential;
  switch (description.kind) {
    case 'anthropic': {
      if (!secret.startsWith('sk-ant-oat')) return [...headers, 'x-api-key', secret];
      const betas = headerPairs(headers).filter(([name]) => name.toLowerCase() === 'anthropic-beta');
      const named = betas.some(([, value]) => value.includes(oauthBeta));
      return [...headers, ...(named ? [] : ['anthropic-beta', oauthBeta]), 'Authorization', `Bearer ${secret}`];
    }
    case 'openai':
      return [...headers, 'Authorization', `Bearer ${secret}`];
    case 'git': {
      return [...headers, 'Authorization', `Basic ${basicCredential(credential, secret)}`];
    }
  }
}

function refuseDotSegments(rest: string): void {
  const path = (rest.split('?')[0] ?? '').replaceAll(/%2e/gi, '.').replaceAll(/%2f|%5c|\\/gi, '/');
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw new Refusal(400, 'dot segments', 'the path of a credential endpoint may not have `.` or `..` segments');
  }
}
