import type { SettingName, settings } from '#config/catalogue.ts';

/** Where a value came from; the first that has one wins. */
export type SettingSource = 'flag' | 'environment' | 'file' | 'sealed' | 'default';

export type SettingValues = {
  readonly [Name in SettingName]: ReturnType<(typeof settings)[Name]['parse']> | (typeof settings)[Name]['default'];
};

/** Parsed once, frozen. Nothing else in the program reads the environment for settings. */
export type Config = SettingValues & {
  /** NODE_ENV=production, or a listener that is not loopback. */
  readonly production: boolean;
  readonly sources: Readonly<Record<SettingName, SettingSource>>;
};

/** The start is refused. Each problem names one setting, what is wrong with it and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}
