import type { Command } from '#main/cli.ts';
import { stopSupervisor } from '#main/cli/stop-supervisor.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';

export const command: Command = {
  help: `
./casemate down [--data DIR]

Stops the instance of a data directory: server, sandboxes, warden, broker, keeper and database.
Workspaces, recordings and everything else on disk stay. Exit codes: 0 stopped, 1 nothing ran.
`,
  async run(commandArguments) {
    const { data } = await readConfig(parseUpArguments(commandArguments));
    if (await stopSupervisor(dataPaths(data), 'SIGTERM')) {
      console.log('stopped');
      return exitCodes.done;
    }
    console.log(`nothing runs with ${data}`);
    return exitCodes.failed;
  },
};
