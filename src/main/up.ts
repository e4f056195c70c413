import { realpathSync } from 'node:fs';
import { pino } from 'pino';
import { ConfigError } from '#config/config.ts';
import { notifySystemd } from '#kernel/notify-systemd.ts';
import { mendCgroups } from '#main/doctor/mend-cgroups.ts';
import { say } from '#main/prepare/say.ts';
import { readServiceSettings } from '#main/service/settings.ts';
import { runningRelease } from '#main/running-code.ts';
import { announcement, baseUrl, localAddress, openBrowser } from '#main/up/announce.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { lockDataDirectory, RunsAlready } from '#main/up/lock.ts';
import { openLogFile } from '#main/up/log-file.ts';
import { dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';
import { rotateLogs } from '#main/up/rotate-logs.ts';
import { type RunningInstance, runInstance } from '#main/up/run.ts';

/**
 * The supervisor's composition root, run as root from the data directory's copy of the release. SIGTERM and
 * SIGINT end everything; SIGUSR2 ends what has no state and leaves sandboxes and keeper to the next start.
 */
async function up(): Promise<void> {
  const given = parseUpArguments(process.argv.slice(2));
  const config = await readConfig(given);
  const paths = dataPaths(config.data);
  // The launcher's umask must not decide who reads what.
  process.umask(0o027);
  const lock = lockDataDirectory(paths);
  const file = openLogFile(paths.log, 'up');
  const log = pino({ base: { process: 'up' }, level: config.logLevel }, pino.destination({ fd: file.fd, sync: true }));
  rotateLogs(paths.log, (error) => log.error({ err: error }, 'a log could not be rotated'));
  const tell = (text: string): void => {
    say(text);
    log.info(text);
  };
  // Who read these lines may be gone (a closed terminal, the command that detached this); the log has them too.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => log.debug({ err: error }, 'nobody reads what is printed'));
  }
  // A service's unit may not mount; its installation did.
  const service = process.env.NOTIFY_SOCKET === undefined ? null : readServiceSettings(paths);
  const mended = service === null ? await mendCgroups() : null;
  if (mended) tell(mended);

  let asked: { everything: boolean; announce: string } | undefined;
  // Assigned below; signals may come before.
  let instance: RunningInstance | undefined = undefined;
  let stopping: Promise<void> | undefined;
  const stopWhenAsked = (): void => {
    if (!asked || !instance || stopping) return;
    tell(asked.announce);
    stopping = instance.stop(asked.everything).then(
      () => {
        tell('stopped');
        lock[Symbol.dispose]();
        process.exit(0);
      },
      (error: unknown) => {
        tell(`could not stop cleanly: ${error instanceof Error ? error.message : String(error)}`);
        process.exit(1);
      },
    );
  };
  const onSignal = (everything: boolean, announce: string) => (): void => {
    asked ??= { everything, announce };
    if (!instance) tell('asked to stop; it stops as soon as the start is through');
    stopWhenAsked();
  };
  process.on('SIGTERM', onSignal(true, 'stopping: server, sandboxes, warden, keeper, database'));
  process.on('SIGINT', onSignal(true, 'stopping: server, sandboxes, warden, keeper, database'));
  process.on('SIGHUP', onSignal(true, 'the terminal is gone; stopping'));
  process.on('SIGUSR2', onSignal(false, 'stopping; sandboxes and keeper stay'));

  instance = await runInstance({
    config,
    paths,
    release: realpathSync(runningRelease),
    log,
    say: tell,
    service,
  });
  const lines = announcement(config, instance.setupPath, process.env);
  if (service !== null) notifySystemd(process.env.NOTIFY_SOCKET ?? '', 'READY=1');
  if (process.send) process.send({ type: 'announce', lines });
  else if (service === null) {
    // A service's output goes to the journal, which more people read than the set-up link is for; `status` has it.
    process.stdout.write(`${lines.join('\n')}\n`);
    if (given.open) {
      openBrowser(
        instance.setupPath ? `${localAddress(config).origin}${instance.setupPath}` : baseUrl(config),
        process.env,
      );
    }
  }
  stopWhenAsked();
}

try {
  await up();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(
    error instanceof ConfigError
      ? exitCodes.configuration
      : error instanceof RunsAlready
        ? exitCodes.runsAlready
        : exitCodes.failed,
  );
}
