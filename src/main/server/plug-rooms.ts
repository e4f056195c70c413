import type { Logger } from 'pino';
import type { Access } from '#access/authorise.ts';
import type { CommandAnnouncer } from '#audit/announce-commands.ts';
import type { Audit } from '#audit/audit.ts';
import { ingestJournal, type IngestOptions, type ReadJournal } from '#audit/ingest-journal.ts';
import { createMatchCommands } from '#audit/match-commands.ts';
import { createJournalStore } from '#audit/journal-store.ts';
import type { Clock } from '#base/clock.ts';
import type { Channel } from '#channel/connect.ts';
import type { ServerConfig } from '#config/process.ts';
import type { brokerMethods } from '#contract/broker.ts';
import type { keeperMethods } from '#contract/keeper.ts';
import type { wardenMethods } from '#contract/warden.ts';
import type { Database } from '#database/database.ts';
import type { Services } from '#http/services.ts';
import { createPolicies } from '#sandboxes/policies.ts';
import { createSandboxes } from '#sandboxes/sandboxes.ts';
import { createSecrets } from '#sandboxes/secrets.ts';
import { createWardenEvents } from '#sandboxes/warden-events.ts';
import { createWorkspaceHints } from '#sandboxes/workspace-hints.ts';
import { createTerminals } from '#terminals/terminals.ts';
import type { Vault } from '#vault/vault.ts';
import { createWorkspaces } from '#workspaces/workspaces.ts';

/** What rooms above access are built from. */
export interface Foundation {
  readonly config: ServerConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: (bytes: Uint8Array) => Uint8Array;
  readonly database: Database;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly access: Access;
  readonly announcer: CommandAnnouncer;
  readonly warden: Channel<typeof wardenMethods>;
  readonly keeper: Channel<typeof keeperMethods>;
  readonly broker: Channel<typeof brokerMethods>;
}

/** Services of the rooms that are plugged in, by the names of http/services.ts; disposed at a stop. */
export interface PluggedRooms extends AsyncDisposable {
  readonly services: Pick<Services, 'policies' | 'secrets' | 'terminals' | 'workspaces'>;
}

const sandboxesPerTeam = 20;
const workspacesPerTeam = 200;
const terminalsPerSandbox = 32;
/** A deleted workspace can be restored for seven days. */
const undoMs = 7 * 24 * 3_600_000;

/**
 * Builds the rooms of workspaces, sandboxes and terminals, and takes over the journals of the other
 * processes. None of these needs to be there yet: each part catches up when it is.
 */
export async function plugRooms(foundation: Foundation): Promise<PluggedRooms> {
  const { access, announcer, audit, broker, clock, config, database, keeper, log, random, vault, warden } = foundation;
  await using cleanup = new AsyncDisposableStack();

  const hints = createWorkspaceHints();
  const wardenEvents = cleanup.use(createWardenEvents({ warden, log }));
  const sandboxes = cleanup.use(
    createSandboxes({
      ...{ access, audit, broker, clock, database, hints, log, random, warden, wardenEvents },
      template: 'base',
      tier: 'crun',
      resources: config.defaultResources,
      idleStopMinutes: config.idleStopMinutes,
      sandboxesPerTeam,
    }),
  );
  const policies = createPolicies({ audit, database, hints, sync: sandboxes.sync });
  const secrets = createSecrets({ audit, broker, clock, database });
  const workspaces = cleanup.use(
    createWorkspaces({
      ...{ access, audit, clock, database, hints, log, random, sandboxes, warden, wardenEvents },
      sets: config.sets,
      workspacesPerTeam,
      undoMs,
    }),
  );
  const terminals = cleanup.use(
    createTerminals({
      ...{ access, audit, clock, database, hints, keeper, log, random, sandboxes, vault, warden, wardenEvents },
      recordingsDirectory: config.recordingsDirectory,
      terminalsPerSandbox,
    }),
  );

  const store = createJournalStore(database);
  const onEgress: IngestOptions['onEgress'] = (row) => policies.egressAdded([row]);
  const onAlert = (text: string): void => void process.send?.({ type: 'alert', text });
  const commands = createMatchCommands({ database, announcer });
  const ingest = (name: IngestOptions['process'], read: ReadJournal): void => {
    const matching = name === 'warden' ? { commands } : {};
    const ingestion = ingestJournal({ process: name, read, store, audit, log, onEgress, onAlert, ...matching });
    cleanup.defer(() => ingestion.stop());
  };
  ingest('broker', async (request, signal) => (await broker.call('journal.read', request, { signal })).reply);
  ingest('keeper', async (request, signal) => (await keeper.call('journal.read', request, { signal })).reply);
  ingest('warden', async (request, signal) => (await warden.call('journal.read', request, { signal })).reply);

  // Last: by now everybody listens.
  wardenEvents.start();
  const running = cleanup.move();
  return {
    services: { policies, secrets, terminals, workspaces },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
