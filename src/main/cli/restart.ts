import type { Command } from '#main/cli.ts';
import { stopSupervisor } from '#main/cli/stop-supervisor.ts';
import { command as up } from '#main/cli/up.ts';
import { dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';

export const command: Command = {
  help: `
./casemate restart [the flags of up]

Stops server, warden and database, and starts them again in the background, from the code that is
here now. Sandboxes and terminals go on: the keeper holds them, and the new warden takes them over.
`,
  async run(commandArguments) {
    const given = parseUpArguments(commandArguments);
    const { data } = await readConfig(given);
    await stopSupervisor(dataPaths(data), 'SIGUSR2');
    return up.run(given.detach ? commandArguments : [...commandArguments, '--detach']);
  },
};
