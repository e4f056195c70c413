import { hkdfSync, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { createAccess } from '#access/authorise.ts';
import { createIdempotency } from '#access/idempotency.ts';
import { createCommandAnnouncer } from '#audit/announce-commands.ts';
import { keepCheckpoints } from '#audit/checkpoints.ts';
import { createAudit } from '#audit/create-audit.ts';
import { systemClock } from '#base/clock.ts';
import { connectChannel } from '#channel/connect.ts';
import type { ServerConfig } from '#config/process.ts';
import { emailSchema } from '#contract/api.ts';
import { brokerMethods } from '#contract/broker.ts';
import { keeperMethods } from '#contract/keeper.ts';
import { wardenMethods } from '#contract/warden.ts';
import { openDatabase } from '#database/open-database.ts';
import { createAdminApp } from '#http/admin-app.ts';
import { createApp } from '#http/app.ts';
import { createCsrf } from '#http/csrf.ts';
import { describeApi } from '#http/openapi.ts';
import { routeTable } from '#http/route-table.ts';
import type { Services } from '#http/services.ts';
import { createStatus } from '#http/status.ts';
import { createTlsContexts, type TlsContexts } from '#http/tls/contexts.ts';
import { tlsServerFactory } from '#http/tls/tls-server.ts';
import { createKeys } from '#identity/keys.ts';
import { createLoginLimits } from '#identity/login-limits.ts';
import { createPasswordMethod } from '#identity/methods/password.ts';
import { createPeople } from '#identity/people.ts';
import { createRoles } from '#identity/roles.ts';
import { createSessions } from '#identity/sessions.ts';
import { createSetup } from '#identity/setup.ts';
import { createSignIn } from '#identity/sign-in.ts';
import { listenOnAdminSocket, listenOnNetwork } from '#main/server/listen.ts';
import { listenForPlainHttp } from '#main/server/listen-plain.ts';
import { plugRooms } from '#main/server/plug-rooms.ts';
import { connectSigner } from '#main/server/signer-channel.ts';
import { purgeRegularly } from '#main/server/purge.ts';
import type { Supervisor } from '#main/server/supervisor.ts';
import { version } from '#main/server/version.ts';
import { createVault } from '#vault/create-vault.ts';
import { fileKeys } from '#vault/file-keys.ts';

export interface RunningServer {
  readonly port: number;
  /** Path and fragment of the set-up link; null once there is an owner. */
  setupLink(): Promise<string | null>;
  /** Refuses new connections, ends open ones, and lets what is under way finish. */
  stop(reason: string): Promise<void>;
}

/** Builds every room of the server, and listens. */
export async function composeServer(config: ServerConfig, log: Logger, supervisor: Supervisor): Promise<RunningServer> {
  await using cleanup = new AsyncDisposableStack();
  const clock = systemClock;
  const database = cleanup.use(openDatabase({ ...config.database, log }));
  const vault = createVault(await fileKeys(config.vaultDirectory).load());
  const audit = cleanup.use(createAudit({ database, vault, clock }));

  cleanup.use(keepCheckpoints({ database, audit, clock, sign: connectSigner(), log }));

  const roles = createRoles({ database });
  const access = createAccess({ roleOf: roles.roleOf, audit, clock });
  const digest = (request: string) => vault.lookup('request-digest', request);
  const idempotency = createIdempotency({ database, digest, clock });

  const password = createPasswordMethod();
  const sessions = createSessions({ database, audit, clock, limits: config.session });
  const keys = createKeys({ database, audit, clock });
  const limits = createLoginLimits({ database, vault, clock });
  const signIn = createSignIn({ database, audit, sessions, limits, password });
  const setup = createSetup({ database, audit, sessions, password, clock });
  const people = createPeople({ database });

  const random = (bytes: Uint8Array): Uint8Array => webcrypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
  const announcer = cleanup.use(createCommandAnnouncer({ database, random, log }));
  const { prepare } = announcer;
  const warden = cleanup.use(connectChannel(wardenMethods, { path: config.wardenSocket, log, prepare }));
  const keeper = cleanup.use(connectChannel(keeperMethods, { path: config.keeperSocket, log }));
  const broker = cleanup.use(connectChannel(brokerMethods, { path: config.brokerSocket, log }));
  const tls = config.tls ? createTlsContexts(await supervisor.certificates()) : null;
  const status = createStatus({
    version,
    ...originsOf(config, tls),
    pings: {
      database: () => database.ping(),
      warden: (signal) => warden.call('warden.health', {}, { signal }),
      keeper: (signal) => keeper.call('keeper.health', {}, { signal }),
      broker: (signal) => broker.call('broker.health', {}, { signal }),
    },
    tiers: async (signal) => (await warden.call('warden.health', {}, { signal })).reply.tiers,
  });

  const foundation = { config, log, clock, random, database, vault, audit, access, announcer, warden, keeper, broker };
  const plugged = cleanup.use(await plugRooms(foundation));

  const csrfKey = new Uint8Array(
    hkdfSync('sha256', await readFile(config.secretFile), new Uint8Array(), 'casemate csrf v1', 32),
  );
  const description = describeApi(routeTable, version);
  const services: Services = {
    ...plugged.services,
    audit,
    csrf: createCsrf(csrfKey),
    keys,
    openapi: () => description,
    people,
    roles,
    sessions,
    setup,
    signIn,
    status,
  };

  if (config.owner && (await setup.isNeeded())) {
    const secret = (await readFile(config.owner.passwordFile, 'utf8')).replace(/\r?\n$/, '');
    const email = emailSchema.parse(config.owner.email);
    await setup.createConfiguredOwner({ email, name: email.split('@')[0] ?? email, password: secret });
  }

  const table = routeTable;
  const app = await createApp({
    ...{ config, log, access, idempotency, sessions, keys, csrfKey, services, table },
    ...(tls ? { serverFactory: tlsServerFactory(tls) } : {}),
  });
  cleanup.defer(() => app.close());
  const admin = await createAdminApp({ log, access, idempotency, roles, services });
  cleanup.defer(() => admin.close());
  cleanup.use(purgeRegularly({ database, clock, log }));

  await audit.record({
    event: 'server.started',
    chain: 'instance',
    actor: { kind: 'system', process: 'server' },
    outcome: 'success',
    requestId: null,
    address: null,
    fields: { version },
  });
  await listenOnAdminSocket(admin, config.runDirectory);
  const { port } = await listenOnNetwork(app, config, { setup, supervisor, log });
  if (tls) {
    supervisor.onCertificates((pairs) => {
      tls.replace(pairs);
      log.info({}, 'new connections get the new certificates');
    });
    if (config.httpPort !== null) cleanup.use(await listenForPlainHttp(app, config, { supervisor, log }));
  }
  log.info({ host: config.host, port, version }, 'listening');

  const running = cleanup.move();
  return {
    port,
    setupLink: () => setup.currentLink(),
    async stop(reason) {
      const stopped = {
        event: 'server.stopped',
        chain: 'instance',
        actor: { kind: 'system', process: 'server' },
        outcome: 'success',
        requestId: null,
        address: null,
        fields: { reason },
      } as const;
      // Without a database it stops all the same.
      await audit.record(stopped).catch((error: unknown) => log.warn({ err: error }, 'the stop is not on record'));
      await running.disposeAsync();
    },
  };
}

/** Loopback is reached in the clear, unless the one port speaks TLS and no other is plain. */
function originsOf(
  { appHosts, production, port, tls, httpPort, publicOrigin }: ServerConfig,
  contexts: Pick<TlsContexts, 'covers'> | null,
): { origin: string; localOrigin: string } {
  if (tls) {
    const plain = httpPort !== null && contexts?.covers('localhost') !== true;
    const localOrigin = plain ? plainOrigin(httpPort) : `https://localhost${port === 443 ? '' : `:${port}`}`;
    return { origin: publicOrigin ?? localOrigin, localOrigin };
  }
  const loopback = appHosts.find((host) => /^(?:localhost|127\.|\[::1\])/.test(host)) ?? `localhost:${port}`;
  const first = appHosts[0] ?? loopback;
  const localOrigin = `http://${loopback}`;
  return { origin: first === loopback ? localOrigin : `${production ? 'https' : 'http'}://${first}`, localOrigin };
}

const plainOrigin = (port: number): string => `http://localhost${port === 80 ? '' : `:${port}`}`;
