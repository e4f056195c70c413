import { CasemateError } from '#contract/errors.ts';

/** What PostgreSQL refused, without parameters, row values or the query: those may hold secrets. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  /** SQLSTATE (PostgreSQL, appendix A). */
  readonly code: string;
  readonly table: string | undefined;
  readonly constraint: string | undefined;

  constructor(code: string, of: { table?: string | undefined; constraint?: string | undefined; message: string }) {
    super(of.message);
    this.code = code;
    this.table = of.table;
    this.constraint = of.constraint;
  }
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EACCES',
  'EMFILE',
]);
/** Shutdown, start-up and crash of the server; class 08 is the connection's own. */
const outageStates = /^(?:08...|57P0[1-4]|53300)$/;
const diskFull = '53100';
const lostMessage = /timeout exceeded when trying to connect|Connection terminated|Client was closed|not queryable/;

interface Refusal {
  readonly code?: unknown;
  readonly table?: unknown;
  readonly constraint?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/** The innermost cause: drizzle wraps what the driver threw, with the query and its parameters. */
function innermost(error: unknown): unknown {
  let inner = error;
  for (let depth = 0; depth < 8 && inner instanceof Error && inner.cause instanceof Error; depth++) inner = inner.cause;
  return inner;
}

/** The SQLSTATE of an error, or undefined when it is not PostgreSQL's. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (innermost(error) as Refusal | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Turns what driver and drizzle throw into what may leave this room; other errors stay as they are. */
export function toRoomError(error: unknown): unknown {
  if (error instanceof CasemateError || error instanceof DatabaseError) return error;
  const cause = innermost(error);
  if (cause instanceof CasemateError) return cause;
  const inner = cause as Refusal;
  const message = typeof inner?.message === 'string' ? inner.message : '';
  const state = sqlStateOf(error);
  if (
    (typeof inner?.code === 'string' && connectionCodes.has(inner.code)) ||
    (state !== undefined && outageStates.test(state)) ||
    lostMessage.test(message)
  ) {
    return new CasemateError('unavailable', 'The database does not answer; try again in a moment');
  }
  if (state === undefined) return error;
  if (state === diskFull) {
    return new CasemateError('no_space', 'The disk of the database is full. Nothing was changed; try again later.');
  }
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return new DatabaseError(state, {
    table: text(inner.table),
    constraint: text(inner.constraint),
    message: describe(state),
  });
}

const descriptions: Readonly<Record<string, string>> = {
  '23502': 'a value is missing',
  '23503': 'something it refers to is not there',
  '23505': 'it exists already',
  '23514': 'a value is not allowed',
  '40001': 'another transaction was in the way',
  '40P01': 'another transaction was in the way',
  '42501': 'permission denied',
  '57014': 'the statement took too long',
};

const describe = (state: string): string => `PostgreSQL refused (${state}): ${descriptions[state] ?? 'see its log'}`;
