import { parseArgs } from 'node:util';
import type { Command } from '#main/cli.ts';
import { alertsFile, readAlerts } from '#main/up/alerts.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { isLocked } from '#main/up/lock.ts';
import { type DataPaths, dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';
import { readStatus } from '#main/up/status.ts';

export const command: Command = {
  help: `
./casemate status [--data DIR] [-o json]

Shows what runs. Exit codes: 0 all parts are ready, 1 something is not, or nothing runs.
`,
  async run(commandArguments) {
    const { values, rest } = splitOutput(commandArguments);
    const { data } = await readConfig(parseUpArguments(rest));
    const paths = dataPaths(data);
    const status = isLocked(paths) ? readStatus(paths) : null;
    if (values.output === 'json') {
      console.log(
        JSON.stringify(
          {
            running: status !== null,
            data,
            ...status,
            setupPath: undefined,
            alerts: process.getuid?.() === 0 ? readAlerts(paths) : null,
          },
          null,
          2,
        ),
      );
    } else if (!status) console.log(`nothing runs with ${data}`);
    else {
      console.log(
        `${status.ready ? 'ready' : 'not ready'}  ${status.url}  since ${new Date(status.startedMs).toISOString()}`,
      );
      for (const part of status.parts) {
        const restarts = part.restarts > 0 ? `, restarted ${part.restarts}×` : '';
        const problem = part.problem ? `: ${part.problem}` : '';
        console.log(`  ${part.name.padEnd(10)} ${part.state.padEnd(8)} pid ${part.pid ?? '—'}${restarts}${problem}`);
      }
      printAlerts(paths);
      for (const { names, endsMs, problem } of status.certificates) {
        const ends = new Date(endsMs).toISOString().slice(0, 10);
        console.log(`  certificate ends ${ends}: ${names.join(' ')}${problem === null ? '' : `\n    ${problem}`}`);
      }
      if (status.setupPath) console.log(`  no owner yet: ${status.localOrigin}${status.setupPath}`);
    }
    return status?.ready ? exitCodes.done : exitCodes.failed;
  },
};

/** Only root may read them. */
function printAlerts(paths: DataPaths): void {
  if (process.getuid?.() !== 0) return;
  const alerts = readAlerts(paths);
  const last = alerts.at(-1);
  if (last)
    console.log(
      `  ALERT      ${alerts.length}, the last at ${last.time}: ${last.text}\n             see ${alertsFile(paths)}`,
    );
}

/** Takes `-o json` out of what follows. */
function splitOutput(commandArguments: readonly string[]): { values: { output?: string }; rest: string[] } {
  const at = commandArguments.findIndex((argument) => argument === '-o' || argument === '--output');
  if (at < 0) return { values: {}, rest: [...commandArguments] };
  const { values } = parseArgs({
    args: commandArguments.slice(at, at + 2),
    options: { output: { type: 'string', short: 'o' } },
  });
  return { values, rest: [...commandArguments.slice(0, at), ...commandArguments.slice(at + 2)] };
}
