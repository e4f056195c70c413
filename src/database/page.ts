import { and, desc, eq, lt, or, type SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { CasemateError } from '#contract/errors.ts';

export interface PageQuery {
  /** As an earlier page gave it. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface Page<Row> {
  readonly items: readonly Row[];
  /** Null at the end. */
  readonly cursor: string | null;
}

interface PageKey {
  readonly createdAt: PgColumn;
  readonly id: PgColumn;
}

interface Position {
  readonly createdAt: Date;
  readonly id: string;
}

/** The end of the year 9999: PostgreSQL does not read how JavaScript writes later ones. */
const latestMoment = 253_402_300_799_999;
const cursorPattern = /^(\d{1,15})\.([A-Za-z0-9_-]{1,64})$/;

/** Reads a cursor. CasemateError `invalid_request` for anything that was not a page's. */
export function parseCursor(cursor: string): Position {
  const match = cursorPattern.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (!match?.[1] || !match[2] || Number(match[1]) > latestMoment) {
    throw new CasemateError('invalid_request', 'The cursor is not one of this list');
  }
  return { createdAt: new Date(Number(match[1])), id: match[2] };
}

/** Writes the cursor of a row. */
export function formatCursor(position: Position): string {
  return Buffer.from(`${position.createdAt.getTime()}.${position.id}`).toString('base64url');
}

/** The rows after the cursor, newest first. Rows that arrive meanwhile neither repeat nor skip any. */
export function afterCursor(key: PageKey, cursor: string | undefined): SQL | undefined {
  if (cursor === undefined) return undefined;
  const { createdAt, id } = parseCursor(cursor);
  return or(lt(key.createdAt, createdAt), and(eq(key.createdAt, createdAt), lt(key.id, id)));
}

/** Newest first. */
export const newestFirst = (key: PageKey): SQL[] => [desc(key.createdAt), desc(key.id)];

/** Cuts `limit + 1` fetched rows to a page. */
export function toPage<Row extends Position>(rows: readonly Row[], limit: number): Page<Row>;
export function toPage<Row>(rows: readonly Row[], limit: number, positionOf: (row: Row) => Position): Page<Row>;
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  positionOf: (row: Row) => Position = (row) => row as Row & Position,
): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, cursor: rows.length > limit && last !== undefined ? formatCursor(positionOf(last)) : null };
}
