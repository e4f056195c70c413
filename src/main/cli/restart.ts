import { resolve } from 'node:path';
import type { Command } from '#main/cli.ts';
import { startService } from '#main/cli/service.ts';
import { stopSupervisor } from '#main/cli/stop-supervisor.ts';
import { command as up } from '#main/cli/up.ts';
import { readServiceSettings, type ServiceSettings } from '#main/service/settings.ts';
import { type DataPaths, dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';
import { installRelease } from '#main/up/release.ts';
import { readStatus } from '#main/up/status.ts';

export const command: Command = {
  help: `
./casemate restart [the flags of up]

Stops server, warden and database, and starts them again in the background, from the code that is
here now, on the port it had unless --port says another. Sandboxes and terminals go on: the keeper
holds them, and the new warden takes them over.
`,
  async run(commandArguments) {
    const given = parseUpArguments(commandArguments);
    const { data } = await readConfig(given);
    const paths = dataPaths(data);
    const service = readServiceSettings(paths);
    if (service) return restartService(service, paths);
    const before = readStatus(paths);
    // People have bookmarks: what listened on a port by flag goes on listening there.
    const same = before !== null && given.flags.port === undefined ? ['--port', String(before.port)] : [];
    await stopSupervisor(paths, 'SIGUSR2');
    return up.run([...commandArguments, ...same, ...(given.detach ? [] : ['--detach'])]);
  },
};

/** The unit says how it is started, so flags have no say; the code that is here now is put in its place first. */
async function restartService(service: ServiceSettings, paths: DataPaths): Promise<number> {
  await installRelease(resolve(import.meta.dirname, '../../..'), paths);
  await stopSupervisor(paths, 'SIGUSR2');
  return startService(service, paths);
}
