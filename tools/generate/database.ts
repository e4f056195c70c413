import { getTableConfig } from 'drizzle-orm/pg-core';
import { readMigrations } from '../../src/database/migrate.ts';
import { tables } from '../../src/database/schema/tables.ts';
import { join } from 'node:path';
import type { Generator } from './generator.ts';

/** docs/reference/database.md: tables, columns and migrations, from the schema that queries are typed by. */
export const generate: Generator = async ({ root }) => {
  const lines = [
    '# Database',
    '',
    'Row-level security is enabled and forced on every table. The logins of requests and of jobs have no privilege of',
    'their own: each transaction takes on a role and, for a team, a proof that the server made for it. `schema_migrations` is the ledger of the files below.',
    '',
  ];
  for (const table of Object.values(tables)) {
    const { name, columns, primaryKeys } = getTableConfig(table);
    const keys = new Set(primaryKeys.flatMap((key) => key.columns.map((column) => column.name)));
    lines.push(`## ${name}`, '', '| column | type | |', '|---|---|---|');
    for (const column of columns) {
      const notes = [
        column.primary || keys.has(column.name) ? 'key' : '',
        column.notNull ? '' : 'may be null',
        column.isUnique ? 'unique' : '',
      ];
      lines.push(`| \`${column.name}\` | ${column.getSQLType()} | ${notes.filter(Boolean).join(', ')} |`);
    }
    lines.push('');
  }
  lines.push('## Migrations', '', '| file | SHA-256 |', '|---|---|');
  for (const { name, sha256 } of await readMigrations(join(root, 'migrations')))
    lines.push(`| ${name} | \`${sha256}\` |`);
  return [{ path: 'docs/reference/database.md', content: `${lines.join('\n')}\n` }];
};
