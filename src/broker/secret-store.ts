import { z } from 'zod';
import type { TeamId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { brokerMethods, type SecretDescription } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import { openSecret } from '#seal/secret.ts';
import { parseDestination, type NamedDestination } from '#broker/destination.ts';
import { openRecordDirectory } from '#broker/record-directory.ts';

const storedSchema = brokerMethods['secret.set'].request;
type StoredSecret = z.output<typeof storedSchema>;

/** A secret that is ready for use. */
export interface Credential {
  readonly description: SecretDescription;
  readonly destination: NamedDestination;
  readonly overTls: boolean;
  /** Path of the base URL without a trailing slash: empty, or `/prefix`. */
  readonly basePath: string;
  /** Opens the sealed value, for the one request that needs it. */
  reveal(): string;
}

export interface SecretStore {
  /** @throws CasemateError `invalid_request` for a value that does not open or a base URL that may not be used */
  set(secret: StoredSecret): Promise<void>;
  drop(teamId: TeamId, name: string): Promise<void>;
  /** All credentials of a team, the preferred one of each kind first. */
  ofTeam(teamId: TeamId): readonly Credential[];
}

export interface SecretStoreOptions {
  readonly directory: string;
  readonly privateKey: Uint8Array;
  /** Whether a destination is the operator's own; only there may a credential travel without TLS. */
  readonly isException: (destination: NamedDestination) => boolean;
  readonly log: Log;
}

/** A secret that is named like its kind is the team's usual one; others follow by name. */
function byPreference({ description: a }: Credential, { description: b }: Credential): number {
  const usual = Number(b.name === b.kind) - Number(a.name === a.kind);
  return usual === 0 ? (a.name < b.name ? -1 : 1) : usual;
}

/** A value becomes a header field, so nothing in it may end one. */
const valueForm = /^[\x21-\x7e](?:[\x20-\x7e]{0,8190}[\x21-\x7e])?$/;

/** Opens the sealed secrets kept in a directory. They stay sealed there and in memory. */
export async function openSecretStore(options: SecretStoreOptions): Promise<SecretStore> {
  const { directory, privateKey, isException, log } = options;
  const records = await openRecordDirectory(directory, storedSchema, log);
  const nameOf = (teamId: TeamId, name: string): string => `${teamId}.${name}`;

  const credential = ({ description, sealed }: StoredSecret): Credential => {
    const url = new URL(description.baseUrl);
    const overTls = url.protocol === 'https:';
    return {
      description,
      destination: parseDestination(url.host, overTls ? 443 : 80),
      overTls,
      basePath: url.pathname.replace(/\/+$/, ''),
      reveal: () => openSecret(privateKey, description, Buffer.from(sealed, 'base64')),
    };
  };

  // Parsed once, because every proxied request asks whether its destination has a credential.
  let byTeam = new Map<TeamId, Credential[]>();
  const index = (): void => {
    byTeam = Map.groupBy([...records.values()].map(credential), ({ description }) => description.teamId);
    for (const team of byTeam.values()) team.sort(byPreference);
  };
  index();

  return {
    async set(secret) {
      const url = new URL(secret.description.baseUrl);
      if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
        throw new CasemateError(
          'invalid_request',
          'The base URL may have no user, query or fragment; nothing was stored',
        );
      }
      const known = credential(secret);
      if (!known.overTls && !isException(known.destination)) {
        throw new CasemateError(
          'invalid_request',
          'A credential travels over https, or to a private destination of the operator; nothing was stored',
        );
      }
      let value: string;
      try {
        value = known.reveal();
      } catch (cause) {
        throw new CasemateError('invalid_request', 'The sealed secret does not open; nothing was stored', { cause });
      }
      if (!valueForm.test(value) || !/^[\x20-\x39\x3b-\x7e]*$/.test(secret.description.userName)) {
        throw new CasemateError(
          'invalid_request',
          'The secret has characters that a header may not; nothing was stored',
        );
      }
      const stored = records.set(nameOf(secret.description.teamId, secret.description.name), secret);
      index();
      await stored;
    },
    async drop(teamId, name) {
      const removed = records.delete(nameOf(teamId, name));
      index();
      await removed;
    },
    ofTeam: (teamId) => byTeam.get(teamId) ?? [],
  };
}
