import { readFile } from 'node:fs/promises';
import { serverConfigSchema } from '#config/process.ts';
import { denyExecve } from '#kernel/seccomp.ts';
import { composeServer } from '#main/server/compose.ts';
import { createServerLog } from '#main/server/log.ts';
import { createSupervisor } from '#main/server/supervisor.ts';

/**
 * The process that faces the network. Its argument is the path of its configuration. It tells its
 * supervisor `ready` (with the port) and, while there is no owner, `setup` with the link's path.
 */
const stopPatienceMs = 10_000;

const configPath = process.argv[2];
if (configPath === undefined) throw new Error('usage: node src/main/server.ts CONFIG.json');
const config = serverConfigSchema.parse(JSON.parse(await readFile(configPath, 'utf8')));
const log = createServerLog(config.logLevel);
const supervisor = createSupervisor(process, log);

let stopping = false;
const stop = (reason: string): void => {
  if (stopping) return;
  stopping = true;
  log.info({ reason }, 'stopping');
  setTimeout(() => {
    log.error({}, 'could not stop in time');
    process.exit(1);
  }, stopPatienceMs).unref();
  void started
    .then((server) => server.stop(reason))
    .then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopped uncleanly');
        process.exit(1);
      },
    );
};
process.on('SIGTERM', () => stop('SIGTERM'));
process.on('SIGINT', () => stop('SIGINT'));
// Without its supervisor nobody would restart or stop it.
process.on('disconnect', () => stop('the supervisor is gone'));
process.on('unhandledRejection', (error) => {
  log.fatal({ err: error }, 'a failure was not handled');
  process.exit(1);
});

denyExecve();
const started = composeServer(config, log, supervisor);
const server = await started;
const setupPath = await server.setupLink();
// Before `ready`, so that the supervisor has the link when it tells people where to go.
if (setupPath !== null) process.send?.({ type: 'setup', path: setupPath });
process.send?.({ type: 'ready', port: server.port });
