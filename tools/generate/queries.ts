import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { registeredStores, storeQueries } from '../../src/database/queries.ts';
import type { Generator } from './generator.ts';

/** docs/reference/queries.sql: the SQL of every store function, made without a database. */
export const generate: Generator = async ({ root }) => {
  for (const path of storeFiles(join(root, 'src/database'))) {
    if (!registeredStores.includes(path))
      throw new Error(`src/database/${path} is not registered in src/database/queries.ts`);
  }
  const parts = ['-- What each store function of src/database sends. Generated; `npm run generate` writes it.'];
  let file = '';
  for await (const { path, name, statements } of storeQueries()) {
    if (path !== file) parts.push(`\n\n-- ${path}`);
    file = path;
    if (statements.length === 0) throw new Error(`${path}: ${name} sends nothing for its samples`);
    parts.push(`\n-- ${name}`, ...statements.map((statement) => `${statement};`));
  }
  return [{ path: 'docs/reference/queries.sql', content: `${parts.join('\n')}\n` }];
};

/** Stores lie one folder down, by subject; `schema` is no subject. */
function storeFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'schema')
    .flatMap((folder) => readdirSync(join(directory, folder.name)).map((file) => `${folder.name}/${file}`))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
}
