import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { Config } from '#config/config.ts';
import type { FromChild } from '#contract/supervision.ts';
import type { Reply } from '#main/up/child.ts';

type Listen = Extract<FromChild, { type: 'listen' }>;

/**
 * Opens the listening sockets that the server asks for, where the configuration says and nowhere else,
 * because ports below 1024 need root. The server owns the socket from then on; here it is closed.
 */
export async function answerListen(
  { name, narrow }: Listen,
  config: Pick<Config, 'host' | 'port' | 'httpPort'>,
  reply: Reply,
): Promise<void> {
  const port = name === 'app' ? config.port : config.httpPort;
  try {
    if (port === null) throw new Error('no port is configured for it');
    const socket = await open(narrow ? '127.0.0.1' : existing(config.host), port);
    try {
      await reply({ type: 'listener', name, problem: null }, socket);
    } finally {
      socket.close();
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    await reply({ type: 'listener', name, problem: `port ${port} cannot be listened on: ${problem}` });
  }
}

/** Every address, also on a machine without IPv6. */
const existing = (host: string): string => (host === '::' && !existsSync('/proc/net/if_inet6') ? '0.0.0.0' : host);

function open(host: string, port: number): Promise<Server> {
  const listening = Promise.withResolvers<Server>();
  // Who comes before the server has the socket is turned away, and comes again.
  const socket = createServer({ pauseOnConnect: true }, (early) => early.destroy());
  socket.once('error', listening.reject);
  socket.listen({ host, port }, () => listening.resolve(socket));
  return listening.promise;
}
