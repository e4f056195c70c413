import pg from 'pg';
import { scramVerifier } from '#database/login-roles.ts';

/**
 * Makes the owner role and its database on a cluster of our own, as its superuser, unless they are
 * there; sets the owner's password. The owner may make roles, because the migrations do, and nothing more.
 */
export async function provisionDatabase(
  superuserUrl: string,
  of: { readonly owner: string; readonly ownerPassword: string; readonly database: string },
): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl, connectionTimeoutMillis: 10_000 });
  // The query under way rejects as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const owner = client.escapeIdentifier(of.owner);
    const database = client.escapeIdentifier(of.database);
    const roles = await client.query('select from pg_roles where rolname = $1', [of.owner]);
    if (roles.rowCount === 0) await client.query(`create role ${owner} nosuperuser nobypassrls createrole nocreatedb`);
    await client.query(`alter role ${owner} login password ${client.escapeLiteral(scramVerifier(of.ownerPassword))}`);
    const databases = await client.query('select from pg_database where datname = $1', [of.database]);
    if (databases.rowCount === 0) await client.query(`create database ${database} owner ${owner}`);
  } finally {
    await client.end();
  }
}
