import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from '#main/cli.ts';
import { stopSupervisor } from '#main/cli/stop-supervisor.ts';
import { runningRelease } from '#main/running-code.ts';
import { cacheDirectory } from '#main/prepare/cache.ts';
import { runProgram } from '#main/prepare/program.ts';
import {
  installService,
  lacksSystemd,
  refuseEnvironment,
  refuseHidden,
  refuseHiddenFiles,
  removeService,
} from '#main/service/install.ts';
import { mainPidOf } from '#main/service/launch-unit.ts';
import { readServiceSettings, type ServiceSettings } from '#main/service/settings.ts';
import { optionsOf, supervisorUnit } from '#main/service/units.ts';
import { serviceLines } from '#main/service/unit-text.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { type DataPaths, dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig, UsageError } from '#main/up/read-config.ts';
import { installRelease } from '#main/up/release.ts';
import { readStatus } from '#main/up/status.ts';

export const command: Command = {
  help: `
./casemate service install [--data DIR] [--port N] [--host ADDRESS] [--config FILE]
./casemate service status | print | uninstall [--data DIR]

Runs an instance as a systemd service that starts with the machine: one unit for the supervisor and
PostgreSQL, and one each for server, keeper and warden, which the supervisor starts with a hardening
of their own. Settings come from the flags here, DIR/casemate.json and \`./casemate config set\`.

  install    write the unit, enable and start it; an instance that runs is taken over, terminals and all
  status     what systemd says of each unit
  print      the unit and the hardening of the others, as they are installed
  uninstall  stop it and remove the units; the data directory stays (see ./casemate uninstall)

\`systemctl restart\` and \`./casemate restart\` leave terminals alive; \`./casemate down\` ends them.
`,
  async run(commandArguments) {
    const [what, ...rest] = commandArguments;
    const given = parseUpArguments(rest);
    const config = await readConfig(given);
    const paths = dataPaths(config.data);
    if (what === 'install') return install(rest, paths);
    const settings = readServiceSettings(paths);
    if (!settings) throw new UsageError(`${paths.root} is not installed as a service`);
    switch (what) {
      case 'status':
        return status(settings);
      case 'print':
        print(settings, paths);
        return exitCodes.done;
      case 'uninstall':
        await stopSupervisor(paths, 'SIGTERM');
        await removeService(paths, settings);
        console.log(`the service ${settings.unit} is gone; its data stays in ${paths.root}`);
        return exitCodes.done;
      default:
        throw new UsageError('service install, status, print or uninstall');
    }
  },
};

async function install(rest: readonly string[], paths: DataPaths): Promise<number> {
  const lacking = lacksSystemd();
  if (lacking) throw new Error(lacking);
  refuseEnvironment(process.env);
  refuseHidden(paths.root);
  refuseHidden(process.execPath);
  refuseHidden(cacheDirectory());
  const given = parseUpArguments(rest);
  refuseHiddenFiles(await readConfig(given));
  for (const directory of [paths.root, paths.run.root, paths.run.up, paths.release, paths.log]) {
    mkdirSync(directory, { recursive: true, mode: 0o711 });
  }
  await installRelease(runningRelease, paths);
  const flags = Object.entries({ data: paths.root, ...given.flags }).flatMap(([name, value]) => [`--${name}`, value]);
  if (given.configFile !== null) flags.push('--config', resolve(given.configFile));
  const settings = await installService({
    config: await readConfig(given),
    paths,
    flags: [...flags, '--no-open'],
  });
  if (await stopSupervisor(paths, 'SIGUSR2')) {
    console.log(
      'the instance that ran is taken over; its terminals go on. `restart --keeper` gives the keeper a unit, too',
    );
  }
  return startService(settings, paths);
}

/** Starts the supervisor's unit and says where it is. */
export async function startService(settings: ServiceSettings, paths: DataPaths): Promise<number> {
  // A person asks: what was tried too often before does not count.
  await runProgram('systemctl', ['reset-failed', settings.unit]).catch(() => '');
  await runProgram('systemctl', ['restart', settings.unit]).catch((error: unknown) => {
    throw new Error(
      `the service ${settings.unit} did not start; nothing was lost: see \`journalctl -u ${settings.unit}\` and \`./casemate logs up\``,
      { cause: error },
    );
  });
  const running = readStatus(paths);
  console.log(`${settings.unit} is started${running ? `: ${running.url}` : ''}`);
  if (running?.setupPath) console.log(`  no owner yet: ${running.localOrigin}${running.setupPath}`);
  return exitCodes.done;
}

async function status({ unit }: ServiceSettings): Promise<number> {
  const active = ['list-units', '--plain', '--no-legend', '--full', '--state=active,activating', `${unit}*.service`];
  const units = (await runProgram('systemctl', active)).split('\n').filter((line) => line.trim() !== '');
  for (const line of units) {
    const [name = '', , state, sub] = line.trim().split(/ +/);
    console.log(`  ${name.padEnd(38)} ${state} (${sub})  pid ${await mainPidOf(name)}`);
  }
  if (units.length === 0) console.log(`  ${unit}.service does not run`);
  // The supervisor, server and warden; a keeper that was taken over has a unit after `restart --keeper`.
  return units.length >= 3 ? exitCodes.done : exitCodes.failed;
}

function print(settings: ServiceSettings, paths: DataPaths): void {
  console.log(supervisorUnit(settings, paths, cacheDirectory()));
  const { up: _, ...others } = optionsOf(settings, paths);
  for (const [name, options] of Object.entries(others)) {
    console.log(`# ${settings.unit}-${name}.service, started by the supervisor\n[Service]\n${serviceLines(options)}\n`);
  }
}
