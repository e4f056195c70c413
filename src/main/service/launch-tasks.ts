import { type ChildProcess, spawn } from 'node:child_process';
import type { Server } from 'node:net';
import { nodeFlags } from '#config/process-memory.ts';
import { entryOf } from '#main/running-code.ts';
import { launchUnit } from '#main/service/launch-unit.ts';
import { openListener } from '#main/service/open-listener.ts';
import type { ServiceSettings } from '#main/service/settings.ts';
import { propertyArguments } from '#main/service/unit-text.ts';
import { freshUnitOf, listenerOptionsOf, optionsOf } from '#main/service/units.ts';
import { openLogFile } from '#main/up/log-file.ts';
import type { DataPaths } from '#main/up/paths.ts';

/** What the supervisor of a service may not do in its own unit, and has done by units that live for one task. */
export interface ServiceTasks {
  openSocket(host: string, port: number): Promise<Server>;
  /** Starts the process that orders a certificate; see main/acme.ts. */
  acme(log: number): ChildProcess;
  /** Starts the operator's DNS hook. Its standard error is a pipe. */
  hook(command: readonly string[]): ChildProcess;
}

export function serviceTasks(of: {
  readonly service: ServiceSettings;
  readonly paths: DataPaths;
  readonly release: string;
  readonly environment: NodeJS.ProcessEnv;
}): ServiceTasks {
  const { service, paths, release, environment } = of;
  const options = optionsOf(service, paths);
  const node = (name: string): readonly string[] => [process.execPath, ...nodeFlags, entryOf(release, name)];
  return {
    async openSocket(host, port) {
      using log = openLogFile(paths.log, 'listener');
      return await openListener({
        unit: freshUnitOf(service, 'listener'),
        options: listenerOptionsOf(service, paths, port),
        command: [...node('listener'), host, String(port)],
        environment,
        log: log.fd,
      });
    },
    acme: (log) =>
      launchUnit({
        ...{ unit: freshUnitOf(service, 'acme'), options: options.acme, command: node('acme') },
        ...{ cwd: '/', environment, log },
      }),
    hook: (command) =>
      spawn(
        'systemd-run',
        [
          ...['--quiet', '--pipe', '--wait', '--collect', `--unit=${freshUnitOf(service, 'hook')}`],
          ...['--setenv=PATH=/usr/local/bin:/usr/bin:/bin', '--setenv=LANG=C.UTF-8'],
          ...propertyArguments(options.hook),
          ...['--', ...command],
        ],
        { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, detached: true },
      ),
  };
}
