import type { NodePgDatabase } from 'drizzle-orm/node-postgres';

declare const role: unique symbol;

type Handle = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];

/** Narrow roles of work that no person asked for; each is granted what its tables in the migrations say. */
export const jobNames = ['audit', 'ingest', 'lifecycle', 'purge'] as const;
export type JobName = (typeof jobNames)[number];

/** A transaction that sees one team only. It ends with the function it was given to. */
export type TenantTransaction = Handle & { readonly [role]: 'tenant' };
/** A transaction of lookups before a user is known: users, memberships, sessions, keys, limits. */
export type AuthTransaction = Handle & { readonly [role]: 'auth' };
/** A transaction of a background job. */
export type JobTransaction<Name extends JobName = JobName> = Handle & { readonly [role]: Name };
