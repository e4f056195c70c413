import type { Logger } from 'pino';
import type { Access } from '#access/authorise.ts';
import type { Audit } from '#audit/audit.ts';
import type { Clock } from '#base/clock.ts';
import type { Channel } from '#channel/connect.ts';
import type { ServerConfig } from '#config/process.ts';
import type { brokerMethods } from '#contract/broker.ts';
import type { keeperMethods } from '#contract/keeper.ts';
import type { wardenMethods } from '#contract/warden.ts';
import type { Database } from '#database/database.ts';
import type { Vault } from '#vault/vault.ts';

/** What rooms above access are built from. */
export interface Foundation {
  readonly config: ServerConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly database: Database;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly access: Access;
  readonly warden: Channel<typeof wardenMethods>;
  readonly keeper: Channel<typeof keeperMethods>;
  readonly broker: Channel<typeof brokerMethods>;
}

/** Services of the rooms that are plugged in, by the names of http/services.ts; disposed at a stop. */
export interface PluggedRooms extends AsyncDisposable {
  readonly services: object;
}

/** Builds the rooms of workspaces, sandboxes and terminals. */
export async function plugRooms(_foundation: Foundation): Promise<PluggedRooms> {
  return { services: {}, [Symbol.asyncDispose]: async () => undefined };
}
