import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '#main/cli.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig, UsageError } from '#main/up/read-config.ts';

export const command: Command = {
  help: `
./casemate logs [PROCESS] [--follow] [--data DIR]

Prints the last lines of the logs: of all processes, or of up, server, warden, keeper, acme or listener.
The warden's log holds the broker's too. Logs are JSON lines.
`,
  async run(commandArguments) {
    const follow = commandArguments.some((argument) => argument === '--follow' || argument === '-f');
    const rest = commandArguments.filter((argument) => argument !== '--follow' && argument !== '-f');
    const name = rest[0]?.startsWith('-') === false ? rest[0] : null;
    const { data } = await readConfig(parseUpArguments(name === null ? rest : rest.slice(1)));
    const { log } = dataPaths(data);
    const files = readdirSync(log).filter((file) => (name === null ? file.endsWith('.log') : file === `${name}.log`));
    if (files.length === 0)
      throw new UsageError(name === null ? `there are no logs in ${log}` : `there is no log of ${name}`);
    const child = spawn('tail', ['-n', '100', ...(follow ? ['-F'] : []), ...files.map((file) => join(log, file))], {
      stdio: 'inherit',
    });
    return new Promise((settle) => child.once('exit', (code) => settle(code ?? exitCodes.failed)));
  },
};
