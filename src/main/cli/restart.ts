import type { Command } from '#main/cli.ts';
import { startService } from '#main/cli/service.ts';
import { stopSupervisor } from '#main/cli/stop-supervisor.ts';
import { command as up } from '#main/cli/up.ts';
import { readServiceSettings, type ServiceSettings } from '#main/service/settings.ts';
import { runningRelease } from '#main/running-code.ts';
import { findKeeper } from '#main/up/adopted-keeper.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { type DataPaths, dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';
import { installRelease } from '#main/up/release.ts';
import { readStatus } from '#main/up/status.ts';

export const command: Command = {
  help: `
./casemate restart [--keeper] [the flags of up]

Stops server, warden and database, and starts them again in the background, from the code that is
here now, on the port it had unless --port says another. Sandboxes and terminals go on: the keeper
holds them, and the new warden takes them over. The keeper goes on with the code it was started
with; --keeper replaces it as well, and it takes the terminals over from the processes that hold
their descriptors: no byte is lost.
`,
  async run(commandArguments) {
    const withKeeper = commandArguments.includes('--keeper');
    const rest = commandArguments.filter((argument) => argument !== '--keeper');
    const given = parseUpArguments(rest);
    const { data } = await readConfig(given);
    const paths = dataPaths(data);
    const service = readServiceSettings(paths);
    if (service) return restartService(service, paths, withKeeper);
    const before = readStatus(paths);
    // People have bookmarks: what listened on a port by flag goes on listening there.
    const same = before !== null && given.flags.port === undefined ? ['--port', String(before.port)] : [];
    await stopForNext(paths, withKeeper);
    const code = await up.run([...rest, ...same, ...(given.detach ? [] : ['--detach'])]);
    if (code !== exitCodes.done) console.error(failed);
    return code;
  },
};

/** The unit says how it is started, so flags have no say; the code that is here now is put in its place first. */
async function restartService(service: ServiceSettings, paths: DataPaths, withKeeper: boolean): Promise<number> {
  await installRelease(runningRelease, paths);
  await stopForNext(paths, withKeeper);
  return startService(service, paths);
}

const failed =
  'it did not start. Sandboxes, terminals and data are as they were: mend what is said above, or run `./casemate up --detach` from the code that worked';

async function stopForNext(paths: DataPaths, withKeeper: boolean): Promise<void> {
  await stopSupervisor(paths, 'SIGUSR2');
  // It seals what it has and lets go; until the next one programs wait at most.
  if (withKeeper) await (await findKeeper(paths))?.stop();
}
