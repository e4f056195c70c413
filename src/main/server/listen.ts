import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ServerConfig } from '#config/process.ts';
import type { App } from '#http/app.ts';
import type { Setup } from '#identity/setup.ts';
import { openListeners } from '#main/server/open-listeners.ts';

/** Listens on the admin socket, for its owner alone. */
export async function listenOnAdminSocket(admin: App, runDirectory: string): Promise<void> {
  const path = join(runDirectory, 'admin.sock');
  // Left over from a server that was killed: the directory is ours alone, so it is nobody else's.
  await rm(path, { force: true });
  await admin.listen({ path });
  await chmod(path, 0o600);
}

/**
 * Listens on the sockets that were inherited, or opens them where there are none: on loopback only while there is no
 * owner, since whoever comes first would be it, and on the configured address as soon as there is one. Loopback stays:
 * its socket outlives a server, and connections to one that nobody serves would wait for ever.
 */
export async function listenOnNetwork(
  app: App,
  { host, port, listeners }: Pick<ServerConfig, 'host' | 'port' | 'listeners'>,
  setup: Pick<Setup, 'isNeeded' | 'onCompleted'>,
  log: Logger,
): Promise<{ readonly port: number }> {
  const { configured, loopback } = listeners ?? openListeners({ host, port });
  // Fastify passes on what it does not know, and Node takes the descriptor before the port.
  const inherited: { port?: number; fd: number } = { fd: loopback ?? configured };
  await app.listen({ ...inherited, host: loopback === null ? host : '127.0.0.1' });
  if (loopback !== null && (await setup.isNeeded())) {
    log.warn({ host: '127.0.0.1', port }, 'listening on loopback only until there is an owner');
    setup.onCompleted(() => {
      listenBeside(app, configured).then(
        () => log.info({ host, port }, 'listening on the configured address'),
        (error: unknown) => {
          log.fatal({ err: error }, 'cannot listen on the configured address');
          process.exit(1);
        },
      );
    });
  } else if (loopback !== null) await listenBeside(app, configured);
  return { port: (app.server.address() as AddressInfo).port };
}

/** Gives the app the connections of a second socket. The first goes on: the answer that is under way came by it. */
async function listenBeside(app: App, fd: number): Promise<void> {
  const second = createServer({ allowHalfOpen: true, noDelay: true }, (connection) =>
    app.server.emit('connection', connection),
  );
  app.server.once('close', () => second.close());
  second.listen({ fd });
  await once(second, 'listening');
}
