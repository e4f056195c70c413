import { sql } from 'drizzle-orm';
import pg from 'pg';
import { CasemateError } from '#contract/errors.ts';
import { toRoomError } from '#database/database-error.ts';
import type { Database } from '#database/database.ts';
import { createTenantProof } from '#database/tenant-proof.ts';
import { isMintedScope } from '#database/tenant-scope.ts';
import { transact } from '#database/transact.ts';
import {
  jobNames,
  type AuthTransaction,
  type JobName,
  type JobTransaction,
  type TenantTransaction,
} from '#database/transaction.ts';

/** The part of a pino log that this room uses. */
export interface DatabaseLog {
  warn(fields: object, message: string): void;
}

export interface DatabaseOptions {
  /** Connection strings of the login roles `casemate_request`, `casemate_jobs` and `casemate_auth`. */
  readonly request: string;
  readonly jobs: string;
  readonly auth: string;
  /** Proves for which team a transaction acts; hex. */
  readonly contextKey: string;
  readonly log: DatabaseLog;
  /** Connections for requests; 10 by default. Jobs and sign-in have four each beside them. */
  readonly maximumConnections?: number;
}

/** Opens the pools. Connects lazily: `ping` says whether PostgreSQL answers. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = (connectionString: string, name: string, max: number): pg.Pool => {
    const opened = new pg.Pool({
      connectionString,
      application_name: `casemate ${name}`,
      max,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      statement_timeout: 30_000,
      lock_timeout: 10_000,
      idle_in_transaction_session_timeout: 60_000,
    });
    // Without a listener the end of an idle connection, as at a restart of PostgreSQL, ends Node.
    opened.on('error', (error) =>
      options.log.warn({ code: (error as { code?: string }).code, pool: name }, 'an idle database connection was lost'),
    );
    return opened;
  };
  const requests = pool(options.request, 'request', options.maximumConnections ?? 10);
  // Jobs have connections of their own: a request that waits for its audit event must not wait for itself.
  const jobs = pool(options.jobs, 'jobs', 4);
  const prove = createTenantProof(options.contextKey);
  const auth = pool(options.auth, 'auth', 4);

  return {
    async withTenant(scope, work) {
      if (!isMintedScope(scope)) throw new CasemateError('internal', 'The tenant scope was not minted');
      return transact(
        requests,
        (handle) =>
          handle.execute(
            sql`select set_config('role', 'casemate_tenant', true), set_config('casemate.context', ${prove(scope)}, true)`,
          ),
        (handle) => work(handle as TenantTransaction),
      );
    },
    async withAuth(work) {
      return transact(auth, undefined, (handle) => work(handle as AuthTransaction));
    },
    async withJob<Name extends JobName, Result>(name: Name, work: (tx: JobTransaction<Name>) => Promise<Result>) {
      if (!jobNames.includes(name)) throw new CasemateError('internal', 'There is no such job');
      return transact(
        jobs,
        (handle) => handle.execute(sql`select set_config('role', ${`casemate_job_${name}`}, true)`),
        (handle) => work(handle as JobTransaction<Name>),
      );
    },
    async ping() {
      try {
        await Promise.all([requests.query('select 1'), jobs.query('select 1'), auth.query('select 1')]);
      } catch (error) {
        throw toRoomError(error);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([requests.end(), jobs.end(), auth.end()]);
    },
  };
}
