import { existsSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settings as catalogue } from '#config/catalogue.ts';
import type { Config } from '#config/config.ts';
import type { Setting } from '#config/setting.ts';
import { databasePlace } from '#main/confine/specifications.ts';
import { mendCgroups } from '#main/doctor/mend-cgroups.ts';
import { cacheDirectory } from '#main/prepare/cache.ts';
import { runProgram } from '#main/prepare/program.ts';
import { removeServiceSettings, type ServiceSettings, writeServiceSettings } from '#main/service/settings.ts';
import { supervisorUnit } from '#main/service/units.ts';
import { ensureTemplate } from '#main/template/ensure.ts';
import { makeDataDirectory } from '#main/up/data-directory.ts';
import { loadInstance } from '#main/up/instance.ts';
import { type DataPaths, dataPaths } from '#main/up/paths.ts';
import { UsageError } from '#main/up/read-config.ts';
import { ensureUsers } from '#main/up/users.ts';

const unitDirectory = '/etc/systemd/system';
export const unitFileOf = (unit: string): string => join(unitDirectory, `${unit}.service`);

/** Why this machine cannot run services, in words that mend it, or null. */
export function lacksSystemd(): string | null {
  if (!existsSync('/run/systemd/system')) return 'systemd does not run here; `./casemate up --detach` works without it';
  if (!existsSync('/run/dbus/system_bus_socket')) return 'systemd is reached by D-Bus here: apt-get install dbus';
  return null;
}

/** Settings come from the file, the sealed ones and flags: a unit file is readable by all, and an environment is lost. */
export function refuseEnvironment(environment: NodeJS.ProcessEnv): void {
  const rows = Object.values(catalogue as Record<string, Setting<unknown>>);
  const given = rows
    .flatMap(({ variable }) => [variable, `${variable}_FILE`])
    .filter((name) => environment[name] !== undefined && name !== 'CASEMATE_CACHE' && name !== 'CASEMATE_DATA');
  if (given.length > 0) {
    throw new UsageError(
      `a service has no environment of yours; put these into casemate.json or \`./casemate config set\`: ${given.join(', ')}`,
    );
  }
}

/** Private directories are hidden from the units: what lies there cannot be served from them. */
export function refuseHidden(path: string, place = '/var/lib'): void {
  // A link may lead from a place that is seen to one that is not.
  for (const at of [path, existsSync(path) ? realpathSync(path) : path]) {
    for (const hidden of ['/home', '/root', '/run/user', '/tmp', '/var/tmp']) {
      if (at === hidden || at.startsWith(`${hidden}/`)) {
        throw new UsageError(
          `${path} lies in ${hidden}, which a service does not see; use another place, such as ${place}`,
        );
      }
    }
  }
}

/** Refuses settings that name files which the supervisor's unit would not find. */
export function refuseHiddenFiles(config: Config): void {
  const named = [
    ...config.tlsCertificateFiles,
    ...config.tlsKeyFiles,
    ...[config.dnsHook, config.caFile, config.ownerPasswordFile, config.postgresBin],
  ];
  for (const path of named) if (path !== null) refuseHidden(path, '/etc/casemate');
}

/** Makes what only root with mounts can make, and writes the unit; starting it is the caller's. */
export async function installService(of: {
  readonly config: Config;
  readonly paths: DataPaths;
  readonly flags: readonly string[];
}): Promise<ServiceSettings> {
  const { config, paths } = of;
  await mendCgroups();
  await makeDataDirectory(paths, await ensureUsers());
  const instance = await loadInstance(paths);
  const template = await ensureTemplate();
  const settings: ServiceSettings = {
    unit: paths.root === dataPaths(catalogue.data.default).root ? 'casemate' : `casemate-${instance.name}`,
    node: process.execPath,
    flags: [...of.flags],
    externalDatabase: config.databaseUrl !== null && 'port' in databasePlace(config.databaseUrl),
    template: {
      directory: template.directory,
      clients: {
        ...template.clients,
        pipHosts: [...template.clients.pipHosts],
        aptUrls: [...template.clients.aptUrls],
      },
    },
  };
  writeServiceSettings(paths, settings);
  const file = unitFileOf(settings.unit);
  writeFileSync(`${file}.new`, supervisorUnit(settings, paths, cacheDirectory()), { mode: 0o644 });
  renameSync(`${file}.new`, file);
  await runProgram('systemctl', ['daemon-reload']);
  await runProgram('systemctl', ['enable', '--quiet', settings.unit]);
  return settings;
}

/** Stops and forgets the units. The instance's data stays. */
export async function removeService(paths: DataPaths, { unit }: ServiceSettings): Promise<void> {
  const file = unitFileOf(unit);
  if (existsSync(file)) {
    await runProgram('systemctl', ['disable', '--now', '--quiet', unit]);
    rmSync(file, { force: true });
    rmSync(`${file}.d`, { recursive: true, force: true });
    await runProgram('systemctl', ['daemon-reload']);
    await runProgram('systemctl', ['reset-failed', `${unit}*`]).catch(() => '');
  }
  removeServiceSettings(paths);
}
