import { once } from 'node:events';
import type { Logger } from 'pino';
import type { ServerConfig } from '#config/process.ts';
import type { App } from '#http/app.ts';
import { createPlainDoor } from '#http/plain-door.ts';
import type { Supervisor } from '#main/server/supervisor.ts';

/** Listens for plain HTTP beside TLS, on the configured address from the start: ACME needs it before there is an owner. */
export async function listenForPlainHttp(
  app: App,
  config: Pick<ServerConfig, 'host' | 'httpPort' | 'listeners' | 'publicOrigin' | 'appHosts' | 'port'>,
  of: { readonly supervisor: Supervisor; readonly log: Logger },
): Promise<AsyncDisposable> {
  const { supervisor, log } = of;
  const origin = config.publicOrigin ?? `https://localhost:${config.port}`;
  const { hostname } = new URL(origin);
  const names = config.appHosts.map((host) => host.replace(/:\d+$/, ''));
  const door = createPlainDoor({
    origin,
    hosts: [...names, hostname, `*.${hostname}`],
    challengeAnswer: supervisor.challengeAnswer,
    app: (request, response) => app.routing(request, response),
    upgrade: (request, socket, head) => void app.server.emit('upgrade', request, socket, head),
  });
  const listening = once(door, 'listening');
  if (config.listeners === 'supervisor') door.listen(await supervisor.listener('plain', false));
  else door.listen({ host: config.host, port: config.httpPort ?? undefined });
  await listening;
  door.on('error', (error) => log.error({ err: error }, 'the listener for plain HTTP stopped accepting'));
  log.info({ port: config.httpPort }, 'plain HTTP is sent on to https://');
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(door, 'close');
      door.close();
      door.closeAllConnections();
      await closed;
    },
  };
}
