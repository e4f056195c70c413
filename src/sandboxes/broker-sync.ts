import type { Channel } from '#channel/connect.ts';
import type { Log } from '#channel/log.ts';
import type { SandboxId, TeamId, WorkspaceId } from '#base/ids.ts';
import { type brokerMethods, secretDescriptionSchema } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Policy } from '#contract/policy.ts';
import type { Database } from '#database/database.ts';
import { listAllSecrets } from '#database/workspaces/secret-store.ts';

export type Broker = Channel<typeof brokerMethods>;

/** What one sandbox may reach. */
export interface SandboxPolicy {
  readonly sandboxId: SandboxId;
  readonly teamId: TeamId;
  readonly workspaceId: WorkspaceId | null;
  readonly policy: Policy;
}

export interface BrokerSync {
  /** Hands everything to the broker again: it was restarted, or was not there when something changed. */
  all(): Promise<void>;
  /** Tells the broker; `unavailable` is only logged, because no door opens without it and `all` follows. */
  policy(of: SandboxPolicy): Promise<void>;
}

export interface BrokerSyncOptions {
  readonly broker: Broker;
  readonly database: Database;
  /** Of every sandbox that is not stopped. */
  readonly policies: () => Promise<readonly SandboxPolicy[]>;
  readonly log: Log;
}

export function createBrokerSync({ broker, database, policies, log }: BrokerSyncOptions): BrokerSync {
  return {
    async policy(of) {
      try {
        await broker.call('policy.set', of);
      } catch (error) {
        if (!(error instanceof CasemateError && error.code === 'unavailable')) throw error;
        log.warn({ err: error, sandboxId: of.sandboxId }, 'the broker is away; it gets the policy when it is back');
      }
    },
    async all() {
      for (const of of await policies()) await broker.call('policy.set', of);
      const secrets = await database.withJob('lifecycle', listAllSecrets);
      for (const { teamId, name, kind, baseUrl, userName, sealed } of secrets) {
        const description = secretDescriptionSchema.parse({ teamId, name, kind, baseUrl, userName });
        try {
          await broker.call('secret.set', { description, sealed: sealed.toString('base64') });
        } catch (error) {
          if (error instanceof CasemateError && error.code === 'unavailable') throw error;
          log.error({ err: error, teamId, name }, 'the broker does not take a secret; set it again');
        }
      }
    },
  };
}
