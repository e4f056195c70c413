import { readFileSync } from 'node:fs';
import pino from 'pino';
import { systemClock } from '#base/clock.ts';
import { wardenConfigSchema } from '#config/process.ts';
import { endSandboxesSchema } from '#contract/supervision.ts';
import { closeAllOnExec } from '#kernel/close-on-exec.ts';
import { startWarden } from '#warden/warden.ts';
import { logDestination } from '#main/log-destination.ts';

const log = pino({ level: 'info', base: { process: 'warden' } }, logDestination());
const configFile = process.argv[2];
if (configFile === undefined) {
  log.fatal('usage: warden.ts <config.json>');
  process.exit(64);
}
const config = wardenConfigSchema.parse(JSON.parse(readFileSync(configFile, 'utf8')));

process.umask(0o022);
closeAllOnExec();
// Without this process the sandboxes run on, and its next start adopts them: better gone than half alive.
const fail = (error: unknown): void => {
  log.fatal({ err: error }, 'the warden cannot go on; its sandboxes do');
  // process.exit would wait for the thread that waits for processes to end.
  process.kill(process.pid, 'SIGKILL');
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

const warden = await startWarden({ config, clock: systemClock, log, onFailure: fail });

let stopping = false;
let ending: Promise<void> = Promise.resolve();
const stop = (): void => {
  if (stopping) return;
  stopping = true;
  ending.then(() => warden[Symbol.asyncDispose]()).then(() => process.exit(0), fail);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
process.on('message', (message) => {
  if (endSandboxesSchema.safeParse(message).success) ending = warden.endSandboxes();
});
process.send?.({ type: 'ready' });
