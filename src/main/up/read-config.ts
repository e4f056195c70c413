import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { settings } from '#config/catalogue.ts';
import type { Config } from '#config/config.ts';
import { ConfigError } from '#config/config.ts';
import { loadConfig } from '#config/load.ts';
import type { Setting } from '#config/setting.ts';
import { readSealedSettings } from '#main/up/sealed-settings.ts';

export interface UpArguments {
  /** Values of the flags that are settings, by flag name. */
  readonly flags: Readonly<Record<string, string>>;
  readonly configFile: string | null;
  readonly open: boolean;
  readonly detach: boolean;
  readonly help: boolean;
}

/** The command line could not be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Parses the flags that every command about an instance takes. */
export function parseUpArguments(commandArguments: readonly string[]): UpArguments {
  const flagNames = Object.values(settings as Record<string, Setting<unknown>>).flatMap((row) => row.flag ?? []);
  try {
    const { values } = parseArgs({
      args: [...commandArguments],
      options: {
        ...Object.fromEntries(flagNames.map((name) => [name, { type: 'string' as const }])),
        config: { type: 'string' },
        open: { type: 'boolean', default: true },
        detach: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowNegative: true,
      strict: true,
    });
    const given = values as Record<string, string | boolean | undefined>;
    const flags: Record<string, string> = {};
    for (const name of flagNames) if (typeof given[name] === 'string') flags[name] = given[name];
    return {
      flags,
      configFile: typeof given.config === 'string' ? given.config : null,
      open: given.open === true,
      detach: given.detach === true,
      help: given.help === true,
    };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Reads environment, file and sealed values, and parses them once. Throws a ConfigError. */
export async function readConfig(given: UpArguments, environment: NodeJS.ProcessEnv = process.env): Promise<Config> {
  // Only the place of the data directory is needed to find the file and what was sealed.
  const data = given.flags.data ?? environment.CASEMATE_DATA ?? settings.data.default;
  const path = given.configFile ?? environment.CASEMATE_CONFIG ?? join(data, 'casemate.json');
  const named = given.configFile !== null || environment.CASEMATE_CONFIG !== undefined;
  if (named && !existsSync(path)) throw new ConfigError([`the configuration file ${path} does not exist`]);
  return loadConfig({
    flags: given.flags,
    environment,
    file: existsSync(path) ? { path, content: parseFile(path) } : null,
    sealed: await readSealedSettings(data),
    readSecret: (file) => readFileSync(file, 'utf8'),
  });
}

function parseFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError([`${path} cannot be read as JSON (${error instanceof Error ? error.name : 'unknown'})`]);
  }
}
