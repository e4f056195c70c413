import { z } from 'zod';
import type { TeamId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { brokerMethods, type CredentialKind, type SecretDescription } from '#contract/broker.ts';
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
  find(teamId: TeamId, kind: CredentialKind): Credential[];
}

export interface SecretStoreOptions {
  readonly directory: string;
  readonly privateKey: Uint8Array;
  /** Whether a destination is the operator's own; only there may a credential travel without TLS. */
  readonly isException: (destination: NamedDestination) => boolean;
  readonly log: Log;
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
      await records.set(nameOf(secret.description.teamId, secret.description.name), secret);
    },
    drop: (teamId, name) => records.delete(nameOf(teamId, name)),
    find: (teamId, kind) =>
      [...records.values()]
        .filter(({ description }) => description.teamId === teamId && description.kind === kind)
        .map(credential),
  };
}
