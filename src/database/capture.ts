import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { PoolClient } from 'pg';

type Handle = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];

/** Runs a store function on a handle that reaches no database, and answers with the statements it would send. */
export async function captureStatements(run: (handle: Handle) => Promise<unknown>): Promise<readonly string[]> {
  const statements: string[] = [];
  const client = {
    query: async (statement: { readonly text: string }) => {
      statements.push(statement.text);
      return { rows: [], rowCount: 0, command: '' };
    },
  };
  await drizzle({ client: client as unknown as PoolClient }).transaction(run);
  return statements.slice(1, -1);
}
