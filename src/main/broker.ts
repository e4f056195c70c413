import { readFileSync } from 'node:fs';
import { Server, Socket } from 'node:net';
import { pino } from 'pino';
import { startBroker } from '#broker/broker.ts';
import { descriptorOf } from '#channel/serve.ts';
import { brokerConfigSchema } from '#config/process.ts';
import { doorMessageSchema } from '#contract/broker.ts';
import { openJournal } from '#journal/journal.ts';
import { duplicate } from '#kernel/duplicate.ts';
import { peerCredentials } from '#kernel/peer-credentials.ts';
import { denyExecve } from '#kernel/seccomp.ts';
import { logDestination } from '#main/log-destination.ts';

/**
 * The broker's composition root: `node src/main/broker.ts <config.json>`, a child of the warden. It gives
 * up the power to start programs before it reads anything that a sandbox or the network sent.
 */
denyExecve();
// getaddrinfo waits in libuv's pool: with its 4 threads, one sandbox's slow names would hold up all others.
process.env['UV_THREADPOOL_SIZE'] ??= '32';
const configFile = process.argv[2];
if (configFile === undefined) throw new Error('usage: node src/main/broker.ts <config.json>');
const config = brokerConfigSchema.parse(JSON.parse(readFileSync(configFile, 'utf8')));
const log = pino({ base: { process: 'broker' }, level: 'info' }, logDestination());

/** More than other processes have: its decisions go on while the server, which reads them, is down. */
const journalBytes = 32 * 1_048_576;
const journal = await openJournal({ directory: config.journalDirectory, maximumBytes: journalBytes });
const broker = await startBroker({
  ...{ config, journal, log },
  takeOver(accepted, onread) {
    const fd = descriptorOf(accepted);
    if (fd === undefined) throw new Error('the connection of a guest has no descriptor');
    const socket = new Socket({ fd: duplicate(fd), onread, allowHalfOpen: true });
    accepted.destroy();
    return socket;
  },
  peerUid(socket) {
    const fd = descriptorOf(socket);
    return fd === undefined ? undefined : peerCredentials(fd).uid;
  },
});

process.on('message', (message: unknown, handle: unknown) => {
  const parsed = doorMessageSchema.safeParse(message);
  if (!parsed.success) {
    log.error({ err: parsed.error }, 'the warden sent a message that is not known');
    if (handle instanceof Server) handle.close();
    return;
  }
  broker.door(parsed.data, handle instanceof Server ? handle : undefined);
});

let stopping = false;
const stop = async (): Promise<void> => {
  if (stopping) return;
  stopping = true;
  await broker.close();
  journal.close();
  process.exit(0);
};
const stopFor = (why: string) => (): void => {
  log.info({ why }, 'the broker stops');
  stop().catch((error: unknown) => {
    log.error({ err: error }, 'the broker did not stop cleanly');
    process.exit(1);
  });
};
process.on('SIGTERM', stopFor('SIGTERM'));
process.on('SIGINT', stopFor('SIGINT'));
// Without the warden nobody opens or closes doors; the next warden starts a broker of its own.
process.on('disconnect', stopFor('the warden is gone'));

process.send?.({ type: 'ready' });
