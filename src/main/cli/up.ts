import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { nodeFlags } from '#config/process-memory.ts';
import type { Command } from '#main/cli.ts';
import { entryOf, runningRelease } from '#main/running-code.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { isLocked, RunsAlready } from '#main/up/lock.ts';
import { openLogFile } from '#main/up/log-file.ts';
import { type DataPaths, dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';
import { installRelease } from '#main/up/release.ts';

const patienceMs = 180_000;

export const command: Command = {
  help: `
./casemate up [--port N] [--host ADDRESS] [--data DIR] [--config FILE] [--no-open] [--detach]
              [--domain NAME] [--tls-cert FILE --tls-key FILE] [--http-port N]

Starts Casemate: PostgreSQL, keeper, warden, broker and server, and keeps them running. Prints the
address, and until an owner exists the one-time set-up link. In the foreground, Ctrl-C ends all,
sandboxes included. With --detach it goes on in the background: see status, logs, down, restart.

  --port N         the port (default 3014)
  --host ADDRESS   the address to listen on (default 127.0.0.1)
  --data DIR       the data directory (default /var/lib/casemate); one instance for each
  --domain NAME    the name of this server: on every address, port 443, with certificates by ACME
  --tls-cert FILE  a certificate of your own, and with --tls-key FILE its key; read again when changed
  --http-port N    the port that sends plain HTTP to https:// (default 80 with --domain)
  --config FILE    a configuration file (default DIR/casemate.json)
  --no-open        do not open a browser
  --detach         go on in the background

Every setting: docs/reference/configuration.md. Exit codes: 0 stopped as asked, 1 failed, 2 wrong
command line, 3 something must be installed, 4 the configuration is refused, 5 it runs already.
`,
  async run(commandArguments) {
    const given = parseUpArguments(commandArguments);
    const config = await readConfig(given);
    const paths = dataPaths(config.data);
    for (const directory of [paths.root, paths.run.root, paths.run.up, paths.release, paths.log]) {
      mkdirSync(directory, {
        recursive: true,
        mode: directory === paths.root || directory === paths.run.root ? 0o711 : 0o700,
      });
    }
    if (isLocked(paths)) {
      throw new RunsAlready(`Casemate runs already with ${paths.root}: see \`./casemate status --data ${paths.root}\``);
    }
    const release = await installRelease(runningRelease, paths);
    const entry = entryOf(release, 'up');
    if (given.detach) return startDetached(entry, commandArguments, paths);
    // The launcher, this command and the supervisor are one process after another, so signals reach it directly.
    if (!process.execve) throw new Error('this Node cannot replace its process (process.execve is missing)');
    process.execve(
      process.execPath,
      [process.execPath, ...nodeFlags, entry, ...commandArguments],
      definedEnvironment(),
    );
    return exitCodes.failed;
  },
};

const definedEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

/** Starts the supervisor in a session of its own, and waits until it says where it is or that it failed. */
function startDetached(entry: string, commandArguments: readonly string[], paths: DataPaths): Promise<number> {
  const log = openLogFile(paths.log, 'up');
  const child = spawn(process.execPath, [...nodeFlags, entry, ...commandArguments], {
    cwd: dirname(entry),
    detached: true,
    stdio: ['ignore', log.fd, 'pipe', 'ipc'],
  });
  return new Promise((settle) => {
    const timer = setTimeout(() => {
      console.error(`it is still starting after ${patienceMs / 1000} s; \`./casemate status\` shows how far it is`);
      finish(exitCodes.failed);
    }, patienceMs);
    const finish = (code: number): void => {
      clearTimeout(timer);
      log[Symbol.dispose]();
      if (child.connected) child.disconnect();
      child.stderr?.destroy();
      child.unref();
      settle(code);
    };
    child.stderr?.pipe(process.stderr, { end: false });
    child.once('message', (message: { lines?: unknown }) => {
      if (Array.isArray(message.lines)) console.log(message.lines.join('\n'));
      finish(exitCodes.done);
    });
    child.once('exit', (code) => finish(code ?? exitCodes.failed));
  });
}
