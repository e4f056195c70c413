import type { UnitOptions } from '#main/service/hardening.ts';

/** `[Service]` lines of options; values are of our making or checked paths, so nothing needs quoting but `%`. */
export const serviceLines = (options: UnitOptions): string =>
  options.map(([name, value]) => `${name}=${value.replaceAll('%', '%%')}`).join('\n');

/** The same options for `systemd-run`. */
export const propertyArguments = (options: UnitOptions): readonly string[] =>
  options.map(([name, value]) => `--property=${name}=${value.replaceAll('%', '%%')}`);
