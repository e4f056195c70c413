import { readdir, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import type { Command } from '#main/cli.ts';
import { stopSupervisor } from '#main/cli/stop-supervisor.ts';
import { cacheDirectory } from '#main/prepare/cache.ts';
import { removeService } from '#main/service/install.ts';
import { readServiceSettings } from '#main/service/settings.ts';
import { endInstance } from '#main/uninstall/end-instance.ts';
import { removeShared } from '#main/uninstall/machine-traces.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { forgetInstance, knownInstance } from '#main/up/instance.ts';
import { dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig, UsageError } from '#main/up/read-config.ts';

export const command: Command = {
  help: `
./casemate uninstall [--data DIR] [--keep-data | --remove-data] [--keep-cache] [--yes]

Ends an instance for good: its processes, sandboxes, mounts, loop devices, control groups and units.

  --keep-data     leave the data directory, the users that own it, and the cache (the default)
  --remove-data   remove the data directory too: workspaces, recordings, accounts, keys, audit trail.
                  With this machine's last instance go the users and the cache as well
  --keep-cache    leave the cache all the same
  --yes           do not ask

Asks for the name of the data directory first. Prints what it kept. Debian packages stay.
`,
  async run(commandArguments) {
    const { values, data } = await understand(commandArguments);
    const paths = dataPaths(data);
    const instance = knownInstance(paths);
    if (!instance) throw new UsageError(`${paths.root} is no data directory of Casemate; nothing was touched`);
    if (values['remove-data'] && values['keep-data']) throw new UsageError('either --keep-data or --remove-data');
    const what = values['remove-data'] ? `ends the instance and REMOVES ${paths.root}` : 'ends the instance';
    if (!values.yes && !(await confirmed(what, basename(paths.root)))) {
      console.error('that is not its name; nothing was touched');
      return exitCodes.failed;
    }
    const service = readServiceSettings(paths);
    await stopSupervisor(paths, 'SIGTERM');
    if (service) await removeService(paths, service);
    await endInstance(paths, instance.name);
    const kept = values['remove-data']
      ? await removeData(paths.root, () => forgetInstance(paths), values['keep-cache'] === true)
      : [`${paths.root}, its users and the cache; \`./casemate up --data ${paths.root}\` goes on with them`];
    console.log(kept.length === 0 ? 'nothing of it is left' : `kept: ${kept.join('\nkept: ')}`);
    console.log('Debian packages stay; `apt-get autoremove` and your package list say which you need');
    return exitCodes.done;
  },
};

async function understand(commandArguments: readonly string[]) {
  const own = { 'keep-data': false, 'remove-data': false, 'keep-cache': false, yes: false };
  const names = Object.keys(own).map((name) => `--${name}`);
  const { values } = parseArgs({
    args: commandArguments.filter((argument) => names.includes(argument)),
    options: Object.fromEntries(Object.keys(own).map((name) => [name, { type: 'boolean' as const }])),
  });
  const rest = commandArguments.filter((argument) => !names.includes(argument));
  const { data } = await readConfig(parseUpArguments(rest));
  return { values: values as Partial<typeof own>, data };
}

async function confirmed(what: string, name: string): Promise<boolean> {
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const lines = asked[Symbol.asyncIterator]();
    process.stderr.write(`This ${what}.\nType ${name} to go on: `);
    const answer = await lines.next();
    return answer.done !== true && answer.value.trim() === name;
  } finally {
    asked.close();
  }
}

async function removeData(root: string, forget: () => Promise<number>, keepCache: boolean): Promise<string[]> {
  for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true });
  const kept: string[] = [];
  await rmdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EBUSY') throw error;
    kept.push(`${root}, which is a mount point; it is empty`);
  });
  const others = await forget();
  if (others > 0) return [...kept, `users and cache: ${others} other instances of this machine need them`];
  kept.push(...(await removeShared(keepCache ? null : cacheDirectory())));
  return keepCache ? [...kept, `the cache ${cacheDirectory()}`] : kept;
}
