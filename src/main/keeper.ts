import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { serveChannel } from '#channel/serve.ts';
import { keeperConfigSchema } from '#config/process.ts';
import { keeperMethods } from '#contract/keeper.ts';
import { openJournal } from '#journal/journal.ts';
import { createKeeper } from '#keeper/keeper.ts';
import { logDestination } from '#main/log-destination.ts';

const log = pino({ base: { process: 'keeper' } }, logDestination());
const configFile = process.argv[2];
if (!configFile) throw new Error('usage: keeper.ts <config.json>');
const config = keeperConfigSchema.parse(JSON.parse(readFileSync(configFile, 'utf8')));

const journal = await openJournal({ directory: config.journalDirectory });
const keeper = createKeeper({ config, journal, log });
const server = await serveChannel(keeperMethods, keeper.handlers, {
  path: path.join(config.runDirectory, 'keeper.sock'),
  log,
});

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await server.close();
  await keeper.close();
  journal.close();
  process.exit(0);
}
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
// The keeper outlives whoever started it: a closed IPC channel or log pipe must not end it.
process.on('SIGHUP', () => log.info({}, 'SIGHUP is ignored'));
process.on('SIGPIPE', () => undefined);

keeper.running.catch((error: unknown) => {
  log.fatal({ err: error }, 'the keeper cannot go on');
  process.exit(1);
});
process.send?.({ type: 'ready' });
