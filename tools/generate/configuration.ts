import { absentSettings, settings } from '../../src/config/catalogue.ts';
import type { Setting } from '../../src/config/setting.ts';
import type { Generator } from './generator.ts';

/** docs/reference/configuration.md, from the catalogue of settings. */
export const generate: Generator = () => {
  const rows = Object.entries(settings as Record<string, Setting<unknown>>).map(([name, row]) => {
    const variable = row.secret ? `\`${row.variable}\`, \`${row.variable}_FILE\`` : `\`${row.variable}\``;
    const flag = row.flag ? `\`--${row.flag}\`` : '—';
    return `| ${variable} | ${flag} | \`${name}\` | ${row.defaultText} | ${row.about} |`;
  });
  const absent = Object.entries(absentSettings).map(([variable, fix]) => `| \`${variable}\` | ${fix} |`);
  const content = [
    '# Configuration',
    '',
    'A flag beats the environment, which beats what `./casemate config set` sealed, which beats the file',
    '`casemate.json` in the data directory (one JSON object, keys as in the third column), which beats the default.',
    'A name that is not here, a value that cannot be parsed, and a weak value in production stop the start.',
    'Production means `NODE_ENV=production` or an address to listen on that is not loopback.',
    '',
    '| variable | flag | key in the file | default | what it does |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '`CSRF_PROTECTION` is known: it may be `true`. The defence cannot be turned off.',
    '`NODE_TLS_REJECT_UNAUTHORIZED=0` stops the start.',
    '',
    '## Known, and refused',
    '',
    'These belong to features that are not there. Set, they stop the start.',
    '',
    '| variable | what to do |',
    '|---|---|',
    ...absent,
    '',
  ].join('\n');
  return Promise.resolve([{ path: 'docs/reference/configuration.md', content }]);
};
