import { sql } from 'drizzle-orm';
import { customType, text, timestamp } from 'drizzle-orm/pg-core';
import type { TeamId } from '#base/ids.ts';

/** Raw bytes. */
export const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });

/** A moment with milliseconds, so that a Date comes back exactly as it went in. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** When a row was made; with the id, the key of pages. */
export const createdAt = () => moment('created_at').notNull().default(sql`now()`);

/** The tenant. Filled in by the transaction's own context, so that a store cannot name another. */
export const teamId = () => text('team_id').$type<TeamId>().notNull().default(sql`current_team_id()`);
