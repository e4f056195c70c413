import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ServerConfig } from '#config/process.ts';
import type { App } from '#http/app.ts';
import type { Setup } from '#identity/setup.ts';
import type { Supervisor } from '#main/server/supervisor.ts';

const loopbackPattern = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

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
  of: {
    readonly setup: Pick<Setup, 'isNeeded' | 'onCompleted'>;
    readonly supervisor: Supervisor;
    readonly log: Logger;
  },
): Promise<{ readonly port: number }> {
  const { setup, supervisor, log } = of;
  const narrow = !loopbackPattern.test(host) && (await setup.isNeeded());
  await app.ready();
  const listen = async (narrowly: boolean, onPort: number): Promise<void> => {
    const listening = once(app.server, 'listening');
    if (listeners === 'supervisor') app.server.listen(await supervisor.listener('app', narrowly));
    else app.server.listen({ host: narrowly ? '127.0.0.1' : host, port: onPort });
    await listening;
  };
  await listen(narrow, port);
  const address = app.server.address() as AddressInfo;
  if (narrow) {
    log.warn({ host: '127.0.0.1', port: address.port }, 'listening on loopback only until there is an owner');
    setup.onCompleted(() => {
      // The answer that is under way keeps its connection; only the listening socket changes.
      app.server.close();
      listen(false, address.port).then(
        () => log.info({ host, port: address.port }, 'listening on the configured address'),
        (error: unknown) => {
          log.fatal({ err: error }, 'cannot listen on the configured address');
          process.exit(1);
        },
      );
    });
  }
  return { port: (app.server.address() as AddressInfo).port };
}
