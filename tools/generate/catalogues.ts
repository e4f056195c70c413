import { auditCatalogue } from '#contract/audit.ts';
import { errorCatalogue } from '#contract/errors.ts';
import { permissionCatalogue, type Permission, roleCatalogue } from '#contract/permissions.ts';
import type { Generator } from './generator.ts';

const page = (title: string, lead: string, headings: readonly string[], rows: readonly (readonly string[])[]): string =>
  [
    `# ${title}`,
    '',
    lead,
    '',
    `| ${headings.join(' | ')} |`,
    `|${headings.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n');

const code = (text: string): string => `\`${text}\``;

/** Reference pages of the closed lists in src/contract. */
export const generate: Generator = () => {
  const roles = Object.entries(roleCatalogue) as [string, readonly Permission[]][];
  return Promise.resolve([
    {
      path: 'docs/reference/errors.md',
      content: page(
        'Errors',
        'Every error is an RFC 9457 problem (`application/problem+json`) whose `code` is one of these. Codes are never reused.',
        ['code', 'status', 'title'],
        Object.entries(errorCatalogue).map(([name, { status, title }]) => [code(name), String(status), title]),
      ),
    },
    {
      path: 'docs/reference/permissions.md',
      content: page(
        'Permissions',
        "What a role may do, and the scopes of an API key. A key never does more than its owner's role allows at that moment; `*` is everything that the role allows.",
        ['permission', 'meaning', ...roles.map(([name]) => name)],
        Object.entries(permissionCatalogue).map(([name, meaning]) => [
          code(name),
          meaning,
          ...roles.map(([, held]) => (held.includes(name as Permission) ? 'yes' : '')),
        ]),
      ),
    },
    {
      path: 'docs/reference/audit-events.md',
      content: page(
        'Audit events',
        'Every event of the trail. A field is stored as it is, or (*digest*) as a keyed SHA-256 that can be compared and not read.',
        ['event', 'sentence', 'fields'],
        Object.entries(auditCatalogue).map(([name, { sentence, fields }]) => [
          code(name),
          sentence,
          Object.entries(fields)
            .map(([field, kind]) => (kind === 'digest' ? `${code(field)} (*digest*)` : code(field)))
            .join(', '),
        ]),
      ),
    },
  ]);
};
