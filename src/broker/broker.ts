import { readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import path from 'node:path';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import type { SandboxId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { serveChannel } from '#channel/serve.ts';
import type { BrokerConfig } from '#config/process.ts';
import { brokerMethods, type DoorMessage } from '#contract/broker.ts';
import type { Journal } from '#journal/journal.ts';
import { type AdmissionLimits, createAdmission, defaultAdmissionLimits } from '#broker/admission.ts';
import { loadBoxKey } from '#broker/box-key.ts';
import { parseDestination } from '#broker/destination.ts';
import { type Door, openDoor } from '#broker/door.ts';
import { openPolicyStore } from '#broker/policy-store.ts';
import { openProcessDoor } from '#broker/process-door.ts';
import { processParty } from '#broker/process-party.ts';
import { createResolver, type Lookup, systemLookup } from '#broker/resolve.ts';
import { sandboxParty } from '#broker/sandbox-party.ts';
import { openSecretStore } from '#broker/secret-store.ts';
import type { TakeOver } from '#broker/tunnel.ts';

export interface Broker extends AsyncDisposable {
  /** Acts on a message of the warden; `listener` travels beside `door.open`, which without one is an error. */
  door(message: DoorMessage, listener: Server | undefined): void;
  /** Stops serving and ends every connection. */
  close(): Promise<void>;
}

export interface BrokerOptions {
  readonly config: BrokerConfig;
  readonly journal: Journal;
  readonly log: Log;
  readonly clock?: Clock;
  readonly lookup?: Lookup;
  readonly limits?: AdmissionLimits;
  readonly takeOver: TakeOver;
  /** The uid behind a Unix socket, as the kernel knows it (SO_PEERCRED); undefined when it cannot be told. */
  readonly peerUid?: (socket: Socket) => number | undefined;
}

/** Starts the broker: opens its state and serves `broker.sock`. Doors come later, from the warden. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { config, journal, log, clock, lookup = systemLookup, limits = defaultAdmissionLimits } = options;
  const { takeOver, peerUid = () => undefined } = options;
  await chmod(config.stateDirectory, 0o700);
  const doors = new Map<SandboxId, Door>();
  const { publicKey, privateKey } = await loadBoxKey(config.stateDirectory);
  const resolver = createResolver({
    lookup,
    exceptions: config.privateDestinations.map(({ host, port }) => parseDestination(`${host}:${port}`)),
  });
  const policies = await openPolicyStore(path.join(config.stateDirectory, 'policies'), log, (sandboxId) =>
    doors.get(sandboxId)?.reconsider(),
  );
  const secrets = await openSecretStore({
    directory: path.join(config.stateDirectory, 'secrets'),
    privateKey,
    isException: resolver.isException,
    log,
  });
  const extra = config.caFile === null ? [] : [readFileSync(config.caFile, 'utf8')];
  const secureContext = createSecureContext({ ca: [...getCACertificates('default'), ...extra] });

  const channel = await serveChannel(
    brokerMethods,
    {
      'broker.health': async () => ({ publicKey: publicKey.toString('base64'), doors: doors.size }),
      'policy.set': async (binding) => {
        await policies.set(binding);
        return {};
      },
      'policy.drop': async ({ sandboxId }) => {
        await policies.drop(sandboxId);
        return {};
      },
      'secret.set': async (secret) => {
        await secrets.set(secret);
        return {};
      },
      'secret.drop': async ({ teamId, name }) => {
        await secrets.drop(teamId, name);
        return {};
      },
      'journal.read': (request, call) => journal.read(request, call.signal),
    },
    { path: path.join(config.runDirectory, 'broker.sock'), log },
  );

  const processDoors = await Promise.all(
    config.processDoors.map(({ process, uid, socket, destinations }) =>
      openProcessDoor({
        path: socket,
        admit: (connection) => peerUid(connection) === uid,
        admission: createAdmission({
          party: processParty(
            process,
            destinations.map(({ host, port }) => parseDestination(`${host}:${port}`)),
          ),
          ...{ resolver, journal, log, limits },
          ...(clock ? { clock } : {}),
        }),
        secureContext,
        log,
      }),
    ),
  );

  const shut = (sandboxId: SandboxId): void => {
    doors.get(sandboxId)?.close();
    doors.delete(sandboxId);
  };

  const close = async (): Promise<void> => {
    for (const sandboxId of doors.keys()) shut(sandboxId);
    await Promise.all([channel.close(), ...processDoors.map((door) => door.close())]);
  };

  return {
    door(message, listener) {
      shut(message.sandboxId);
      if (message.type === 'door.close') return;
      if (!listener) {
        log.error({ sandboxId: message.sandboxId }, 'a door was announced without its socket');
        return;
      }
      const identity = { sandboxId: message.sandboxId, teamId: message.teamId };
      const admission = createAdmission({
        party: sandboxParty(identity, policies, config.sets),
        resolver,
        journal,
        log,
        limits,
        ...(clock ? { clock } : {}),
      });
      doors.set(message.sandboxId, openDoor({ identity, listener, admission, secrets, secureContext, takeOver, log }));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
