/** Why a text is not a value of its setting. The message names what is wanted, never the text itself. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** One row of the catalogue of settings. */
export interface Setting<Value> {
  /** The environment variable; `<variable>_FILE` exists too when the setting is secret. */
  readonly variable: string;
  /** The flag of `./casemate up`, without its dashes, where there is one. */
  readonly flag?: string;
  /** Never printed; its value may come from a file named by `<variable>_FILE`, or be sealed. */
  readonly secret?: true;
  /** One sentence for the reference page. */
  readonly about: string;
  /** How the default reads on the reference page. */
  readonly defaultText: string;
  readonly default: Value;
  readonly parse: (text: string) => Value;
  /** Why `value` may not be used in production, or null. Production may tighten, never weaken. */
  readonly weakness?: (value: Value) => string | null;
}

export const setting = <Value>(row: Setting<Value>): Setting<Value> => row;
