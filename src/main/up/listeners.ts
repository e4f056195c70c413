import type { Server } from 'node:net';
import type { Config } from '#config/config.ts';
import type { FromChild } from '#contract/supervision.ts';
import type { Reply } from '#main/up/child.ts';

type Listen = Extract<FromChild, { type: 'listen' }>;

/** Opens a listening socket in the host's network. */
export type OpenSocket = (host: string, port: number) => Promise<Server>;

/**
 * Opens the listening sockets that the server asks for, where the configuration says and nowhere else,
 * because ports below 1024 need root. The server owns the socket from then on; here it is closed.
 */
export async function answerListen(
  { name, narrow }: Listen,
  config: Pick<Config, 'host' | 'port' | 'httpPort'>,
  open: OpenSocket,
  reply: Reply,
): Promise<void> {
  const port = name === 'app' ? config.port : config.httpPort;
  try {
    if (port === null) throw new Error('no port is configured for it');
    const socket = await open(narrow ? '127.0.0.1' : config.host, port);
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
