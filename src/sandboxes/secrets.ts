import { assertGrant, auditContext, type Grant } from '#access/grant.ts';
import type { Audit } from '#audit/audit.ts';
import type { Clock } from '#base/clock.ts';
import type { Secret, setSecretSchema } from '#contract/api.ts';
import { type CredentialKind, type SecretDescription, secretDescriptionSchema } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Database } from '#database/database.ts';
import {
  findSecret,
  listSecrets,
  putSecret,
  removeSecret,
  type SecretView,
} from '#database/workspaces/secret-store.ts';
import { takeTeamTurn } from '#database/workspaces/team-lock.ts';
import type { Broker } from '#sandboxes/broker-sync.ts';
import { sealSecret } from '#seal/secret.ts';
import type { z } from 'zod';

export interface Secrets {
  /** Seals the value to the broker and forgets it; replaces one of the same name. */
  set(grant: Grant<'secret:write'>, name: string, value: z.output<typeof setSecretSchema>): Promise<Secret>;
  list(grant: Grant<'secret:read'>): Promise<readonly Secret[]>;
  /** From broker and database. `not_found` when there is none. */
  remove(grant: Grant<'secret:write'>, name: string): Promise<void>;
}

export interface SecretsOptions {
  readonly database: Database;
  readonly audit: Pick<Audit, 'record'>;
  readonly broker: Broker;
  readonly clock: Clock;
}

/** Where a credential of a kind goes when nothing else is said. */
const defaultBaseUrls = {
  anthropic: 'https://api.anthropic.com',
  openai: 'https://api.openai.com',
  git: 'https://github.com',
} as const satisfies Record<CredentialKind, string>;

const toView = ({ name, kind, baseUrl, setAt }: SecretView): Secret => ({
  name,
  kind,
  baseUrl,
  setAt: setAt.toISOString(),
});

/** The origin (and path) that a credential may go to, checked; `invalid_request` says what is wrong. */
function describe(
  grant: Grant,
  name: string,
  { kind, baseUrl, userName }: z.output<typeof setSecretSchema>,
): SecretDescription {
  const url = URL.parse(baseUrl ?? defaultBaseUrls[kind]);
  if (!url || !['https:', 'http:'].includes(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new CasemateError(
      'invalid_request',
      'The address of a secret is https:// or http://, a host and at most a path; no user name, "?" or "#".',
    );
  }
  const parsed = secretDescriptionSchema.safeParse({
    teamId: grant.teamId,
    name,
    kind,
    baseUrl: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`,
    ...(userName === undefined ? {} : { userName }),
  });
  if (!parsed.success) {
    throw new CasemateError(
      'invalid_request',
      'The name of a secret begins with a lower-case letter and has at most 63 of a-z, 0-9, ".", "_" and "-".',
    );
  }
  return parsed.data;
}

export function createSecrets({ database, audit, broker, clock }: SecretsOptions): Secrets {
  return {
    async set(grant, name, value) {
      assertGrant(grant, 'secret:write');
      const description = describe(grant, name, value);
      // Header fields end at a line break; such a value could only be a mistake or an attack.
      if (/[\u0000-\u001f\u007f]/.test(value.value)) {
        throw new CasemateError('invalid_request', 'The value of a secret is one line without control characters.');
      }
      const { reply } = await broker.call('broker.health', {});
      const sealed = sealSecret(Buffer.from(reply.publicKey, 'base64'), description, value.value);
      const { kind, baseUrl, userName } = description;
      const setBy = 'userId' in grant.actor ? grant.actor.userId : null;
      const row = { name, kind, baseUrl, userName, sealed, setBy, setAt: new Date(clock.now()) };
      const stored = await database.withTenant(grant.scope, async (tx) => {
        // Broker and database hold the same one whoever else sets it now, and neither when one of them refuses.
        await takeTeamTurn(tx, 'secrets');
        const written = await putSecret(tx, row);
        if (!written) throw new CasemateError('internal');
        await broker.call('secret.set', { description, sealed: sealed.toString('base64') });
        return written;
      });
      await audit.record({
        ...auditContext(grant),
        event: 'secret.set',
        outcome: 'success',
        fields: { name, kind, baseUrl },
      });
      return toView(stored);
    },
    async list(grant) {
      assertGrant(grant, 'secret:read');
      return (await database.withTenant(grant.scope, listSecrets)).map(toView);
    },
    async remove(grant, name) {
      assertGrant(grant, 'secret:write');
      const found = await database.withTenant(grant.scope, async (tx) => {
        await takeTeamTurn(tx, 'secrets');
        const known = await findSecret(tx, name);
        if (!known) throw new CasemateError('not_found', 'There is no secret of that name.');
        // First where it is used: a secret that is gone from the list is used no longer.
        await broker.call('secret.drop', { teamId: grant.teamId, name: known.name });
        await removeSecret(tx, name);
        return known;
      });
      await audit.record({
        ...auditContext(grant),
        event: 'secret.removed',
        outcome: 'success',
        fields: { name: found.name },
      });
    },
  };
}
