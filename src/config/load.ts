import { absentSettings, type SettingName, settings } from '#config/catalogue.ts';
import { type Config, ConfigError, type SettingSource, type SettingValues } from '#config/config.ts';
import { isLoopback, judgeAlways, judgeProduction } from '#config/production.ts';
import { type Setting, SettingError } from '#config/setting.ts';

export interface ConfigInputs {
  /** By flag name, without dashes. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The parsed configuration file and its path, when there is one. Keys are setting names. */
  readonly file: { readonly path: string; readonly content: unknown } | null;
  /** Values that `config set` sealed, opened. Weaker than the environment, stronger than the file. */
  readonly sealed: Readonly<Record<string, string>>;
  /** Reads a `*_FILE`; throws when it cannot. */
  readonly readSecret: (path: string) => string;
}

/** Read by the launcher and by nothing else; listed so that they are known. */
const launcherVariables = ['CASEMATE_NODE', 'CASEMATE_CONFIG', 'CASEMATE_SOURCE'];

const names = Object.keys(settings) as SettingName[];
const rowOf = (name: SettingName): Setting<unknown> => settings[name] as Setting<unknown>;

/** Flag over environment over sealed over file over default, parsed once. Throws a ConfigError with every problem. */
export function loadConfig(inputs: ConfigInputs): Config {
  const problems = [...unknownVariables(inputs.environment), ...refusedVariables(inputs.environment)];
  const file = fileEntries(inputs.file, problems);
  const values: Record<string, unknown> = {};
  const sources: Record<string, SettingSource> = {};

  for (const name of names) {
    const row = rowOf(name);
    const found = findText(name, row, inputs, file, problems);
    values[name] = row.default;
    sources[name] = found?.source ?? 'default';
    if (!found) continue;
    try {
      values[name] = row.parse(found.text);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      problems.push(`${found.label} ${error.message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const parsed = withDomain(values as SettingValues, sources);
  const production = inputs.environment.NODE_ENV === 'production' || !isLoopback(parsed.host);
  problems.push(...judgeAlways(parsed), ...(production ? judgeProduction(parsed) : []));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({
    ...parsed,
    production,
    sources: Object.freeze(sources) as Config['sources'],
  });
}

/** A server that has a name is for others: what was not said follows from that. */
function withDomain(values: SettingValues, sources: Readonly<Record<string, SettingSource>>): SettingValues {
  if (values.domain === null || values.trustProxy.length > 0) return values;
  return {
    ...values,
    ...(sources.host === 'default' ? { host: '::' } : {}),
    ...(sources.port === 'default' ? { port: 443 } : {}),
    ...(sources.httpPort === 'default' ? { httpPort: 80 } : {}),
  };
}

function findText(
  name: SettingName,
  row: Setting<unknown>,
  inputs: ConfigInputs,
  file: ReadonlyMap<string, string>,
  problems: string[],
): { text: string; source: SettingSource; label: string } | null {
  const flag = row.flag === undefined ? undefined : inputs.flags[row.flag];
  if (flag !== undefined) return { text: flag, source: 'flag', label: `--${row.flag}` };
  const direct = inputs.environment[row.variable];
  const fromFile = row.secret ? inputs.environment[`${row.variable}_FILE`] : undefined;
  if (direct !== undefined && fromFile !== undefined) {
    problems.push(`${row.variable} and ${row.variable}_FILE are both set; unset one of them`);
  }
  if (direct !== undefined) return { text: direct, source: 'environment', label: row.variable };
  if (fromFile !== undefined) {
    try {
      return { text: inputs.readSecret(fromFile).trim(), source: 'environment', label: `${row.variable}_FILE` };
    } catch (error) {
      problems.push(`${row.variable}_FILE cannot be read (${error instanceof Error ? error.message : 'unknown'})`);
      return null;
    }
  }
  const sealed = inputs.sealed[name];
  if (sealed !== undefined) return { text: sealed, source: 'sealed', label: `${row.variable} (sealed)` };
  const written = file.get(name);
  if (written !== undefined) return { text: written, source: 'file', label: `${name} in ${inputs.file?.path}` };
  return null;
}

function fileEntries(file: ConfigInputs['file'], problems: string[]): Map<string, string> {
  const entries = new Map<string, string>();
  if (file === null) return entries;
  if (typeof file.content !== 'object' || file.content === null || Array.isArray(file.content)) {
    problems.push(`${file.path} must hold one JSON object`);
    return entries;
  }
  for (const [key, value] of Object.entries(file.content)) {
    if (!Object.hasOwn(settings, key)) problems.push(`${file.path} names ${key}, which is not a setting; remove it`);
    else if (Array.isArray(value)) entries.set(key, value.map(String).join(','));
    else if (['string', 'number', 'boolean'].includes(typeof value)) entries.set(key, String(value));
    else problems.push(`${key} in ${file.path} must be text, a number, true, false or a list of these`);
  }
  return entries;
}

function unknownVariables(environment: ConfigInputs['environment']): string[] {
  const known = new Set(launcherVariables);
  for (const name of names) {
    const row = rowOf(name);
    known.add(row.variable);
    if (row.secret) known.add(`${row.variable}_FILE`);
  }
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('CASEMATE_') && !known.has(variable))
    .map((variable) => `${variable} is not a setting; docs/reference/configuration.md lists them`);
}

function refusedVariables(environment: ConfigInputs['environment']): string[] {
  const problems: string[] = [];
  for (const [variable, fix] of Object.entries(absentSettings)) {
    if (environment[variable] !== undefined || environment[`${variable}_FILE`] !== undefined) {
      problems.push(`${variable}: ${fix}`);
    }
  }
  const csrf = environment.CSRF_PROTECTION;
  if (csrf !== undefined && csrf !== 'true' && csrf !== '1') {
    problems.push('CSRF_PROTECTION: the defence cannot be turned off; unset it or set it to true');
  }
  if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    problems.push(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 turns TLS into theatre; unset it, and name your CA in CASEMATE_CA_FILE',
    );
  }
  return problems;
}
