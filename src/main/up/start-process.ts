import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Confinement } from '#config/confinement.ts';
import { nodeFlags } from '#config/process-memory.ts';
import { holderProgram } from '#keeper/holder-program.ts';
import { wardenCommand } from '#main/confine/warden-command.ts';
import { runProgram } from '#main/prepare/program.ts';
import { entryOf } from '#main/running-code.ts';
import type { ServiceSettings } from '#main/service/settings.ts';
import { unitEnded } from '#main/service/launch-unit.ts';
import { freshUnitOf, optionsOf } from '#main/service/units.ts';
import { type ChildOptions, type RunningChild, startChild } from '#main/up/child.ts';
import type { DataPaths } from '#main/up/paths.ts';
import { writeForGroup } from '#main/up/process-configs.ts';

const readinessMs = 60_000;

/** How the processes of an instance are started: confined by the launcher, or as units where systemd supervises. */
export interface ProcessStarter {
  /** Writes what the launcher builds around a process. */
  confine(name: string, confinement: Confinement): void;
  server(options: Pick<ChildOptions, 'greetings' | 'onMessage'>): Promise<RunningChild>;
  keeper(): Promise<RunningChild>;
  warden(): Promise<RunningChild>;
}

export function processStarter(of: {
  readonly paths: DataPaths;
  readonly release: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly service: ServiceSettings | null;
}): ProcessStarter {
  const { paths, release, environment, service } = of;
  const units = service === null ? null : optionsOf(service, paths);
  const launcher = entryOf(release, 'confine');
  const configFile = (name: string): string => join(paths.config, `${name}.json`);
  const confinementFile = (name: string): string => join(paths.config, `${name}.confinement.json`);
  const start = async (
    name: 'server' | 'keeper' | 'warden',
    command: ChildOptions['command'],
    more: Pick<ChildOptions, 'outlives'> & Partial<ChildOptions>,
  ): Promise<RunningChild> => {
    const unit = service && units ? { name: freshUnitOf(service, name), options: units[name] } : undefined;
    if (unit) await unitEnded(unit.name);
    return startChild({
      ...{ name, command, environment, readinessMs, unit },
      cwd: '/',
      logDirectory: paths.log,
      ...more,
    });
  };
  // A unit's hardening is in the launcher's place.
  const command = (name: 'server' | 'keeper'): ChildOptions['command'] =>
    service === null
      ? [process.execPath, launcher, confinementFile(name)]
      : [process.execPath, ...nodeFlags, entryOf(release, name), configFile(name)];

  return {
    confine: (name, confinement) => writeForGroup(confinementFile(name), JSON.stringify(confinement), 0),
    server: (options) => start('server', command('server'), { outlives: false, ...options }),
    keeper() {
      if (service !== null) writeHolder(paths.holderProgram);
      return start('keeper', command('keeper'), {
        outlives: true,
        async settle(pid) {
          if (service === null) await runProgram(process.execPath, [launcher, 'seal', String(pid)], { environment });
        },
      });
    },
    warden: () => start('warden', wardenCommand(release, configFile('warden')), { outlives: false }),
  };
}

/** Root's file, which everybody may run; replaced in one step, since holders may be running the one before. */
function writeHolder(path: string): void {
  writeFileSync(`${path}.new`, holderProgram());
  chmodSync(`${path}.new`, 0o555);
  renameSync(`${path}.new`, path);
}
