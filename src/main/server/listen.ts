import { chmod, rm } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ServerConfig } from '#config/process.ts';
import type { App } from '#http/app.ts';
import type { Setup } from '#identity/setup.ts';

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
 * Listens on the socket that was inherited, or on the configured address where there is none. While there is no
 * owner, whoever comes first would be it: connections that did not come over loopback are closed until then.
 */
export async function listenOnNetwork(
  app: App,
  { host, port, listener }: Pick<ServerConfig, 'host' | 'port' | 'listener'>,
  setup: Pick<Setup, 'isNeeded' | 'onCompleted'>,
  log: Logger,
): Promise<{ readonly port: number }> {
  if (!loopbackPattern.test(host) && (await setup.isNeeded())) {
    const refuseStrangers = (connection: Socket): void => {
      if (!loopbackPattern.test(connection.localAddress?.replace(/^::ffff:/, '') ?? '')) connection.destroy();
    };
    // Before any other listener: what is destroyed here is never parsed.
    app.server.prependListener('connection', refuseStrangers);
    log.warn({ host, port }, 'closing all connections but those over loopback until there is an owner');
    setup.onCompleted(() => {
      app.server.off('connection', refuseStrangers);
      log.info({ host, port }, 'there is an owner: taking connections from everywhere');
    });
  }
  const inherited: { port?: number; fd?: number } = listener === null ? { port } : { fd: listener };
  await app.listen({ ...inherited, host });
  return { port: (app.server.address() as AddressInfo).port };
}
