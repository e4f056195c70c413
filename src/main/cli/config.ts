import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type SettingName, settings } from '#config/catalogue.ts';
import type { Setting } from '#config/setting.ts';
import type { Command } from '#main/cli.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { type UpArguments, parseUpArguments, readConfig, UsageError } from '#main/up/read-config.ts';
import { writeSealedSetting } from '#main/up/sealed-settings.ts';

export const command: Command = {
  help: `
./casemate config ls [--data DIR]              every setting, its value and where it comes from
./casemate config set NAME [--data DIR]        seals a value, read from standard input
./casemate config unset NAME [--data DIR]      forgets a sealed value

NAME is a variable of docs/reference/configuration.md, such as JWT_SECRET. A sealed value beats the
file and is beaten by the environment; it counts from the next start. Exit codes: 0 done, 2 wrong
command line, 4 the value is refused.
`,
  async run([what, ...rest]) {
    if (what === 'ls') return list(parseUpArguments(rest));
    const [variable, ...flags] = rest;
    if ((what !== 'set' && what !== 'unset') || !variable) throw new UsageError('config ls | set NAME | unset NAME');
    const found = Object.entries(settings as Record<string, Setting<unknown>>).find(
      ([name, row]) => row.variable === variable || name === variable,
    );
    if (!found) throw new UsageError(`there is no setting ${variable}; docs/reference/configuration.md lists them`);
    const [name, row] = found;
    if (name === 'data' || name === 'cache') throw new UsageError(`${row.variable} says where sealed values lie`);
    const { data } = await readConfig(parseUpArguments(flags));
    if (!existsSync(data)) mkdirSync(data, { recursive: true, mode: 0o711 });
    mkdirSync(join(data, 'config'), { recursive: true, mode: 0o711 });
    if (what === 'unset') {
      await writeSealedSetting(data, name, null);
      return exitCodes.done;
    }
    const value = (await text(process.stdin)).replace(/\r?\n$/, '');
    try {
      row.parse(value);
    } catch (error) {
      console.error(
        `casemate: ${row.variable} ${error instanceof Error ? error.message : 'is refused'}; nothing was changed`,
      );
      return exitCodes.configuration;
    }
    await writeSealedSetting(data, name, value);
    console.log(`sealed ${row.variable}; it counts from the next start`);
    return exitCodes.done;
  },
};

async function list(given: UpArguments): Promise<number> {
  const config = await readConfig(given);
  for (const [name, row] of Object.entries(settings as Record<string, Setting<unknown>>) as [
    SettingName,
    Setting<unknown>,
  ][]) {
    const value = config[name];
    const shown =
      value === null ? '' : row.secret ? '(secret)' : typeof value === 'object' ? JSON.stringify(value) : value;
    console.log(`${row.variable.padEnd(32)} ${String(shown).padEnd(30)} ${config.sources[name]}`);
  }
  return exitCodes.done;
}
