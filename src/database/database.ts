import type { TenantScope } from '#database/tenant-scope.ts';
import type { AuthTransaction, JobName, JobTransaction, TenantTransaction } from '#database/transaction.ts';

/**
 * The only way to a connection. Each function runs `work` in a transaction of its own, commits when
 * it resolves and rolls back when it throws. After a deadlock or a serialization failure `work`
 * runs again (three times at most), so it must touch nothing but the transaction. The handle is dead
 * once `work` has ended.
 *
 * Errors: CasemateError `unavailable` while PostgreSQL cannot be reached; DatabaseError for what it
 * refuses (without parameters or row values); whatever `work` throws.
 */
export interface Database extends AsyncDisposable {
  /** As one team. Refuses a scope that the access room did not mint with `internal`. */
  withTenant<Result>(scope: TenantScope, work: (tx: TenantTransaction) => Promise<Result>): Promise<Result>;
  /** Before a user is known. A pool of its own, narrow grants. */
  withAuth<Result>(work: (tx: AuthTransaction) => Promise<Result>): Promise<Result>;
  /** For background work, under the job's own role. */
  withJob<Name extends JobName, Result>(
    name: Name,
    work: (tx: JobTransaction<Name>) => Promise<Result>,
  ): Promise<Result>;
  /** Resolves when PostgreSQL answers on each pool; else CasemateError `unavailable`. */
  ping(): Promise<void>;
}
