import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool, PoolClient } from 'pg';
import { CasemateError } from '#contract/errors.ts';
import { sqlStateOf, toRoomError } from '#database/database-error.ts';

type Handle = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];

/** Transactions that PostgreSQL itself asks to repeat: serialization failure and deadlock. */
const repeatable = new Set(['40001', '40P01']);
const maximumAttempts = 3;

/**
 * Runs `work` in one transaction on a connection of `pool`. `enter` comes first, as its first
 * statement. The handle refuses every query once the transaction has ended: a handle that escaped
 * must not reach the connection when it works for somebody else.
 */
export async function transact<Result>(
  pool: Pool,
  enter: ((handle: Handle) => Promise<unknown>) | undefined,
  work: (handle: Handle) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(pool, enter, work);
    } catch (error) {
      const state = sqlStateOf(error);
      if (attempt < maximumAttempts && state !== undefined && repeatable.has(state)) continue;
      throw toRoomError(error);
    }
  }
}

async function attemptOnce<Result>(
  pool: Pool,
  enter: ((handle: Handle) => Promise<unknown>) | undefined,
  work: (handle: Handle) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  const gate = new Gate(client);
  let failure: Error | undefined;
  // A connection that breaks while it is checked out emits this; the query under way rejects as well.
  const onError = (error: Error) => {
    failure = error;
  };
  client.on('error', onError);
  try {
    const database = drizzle({ client: gate as unknown as PoolClient });
    return await database.transaction(async (handle) => {
      await enter?.(handle);
      return work(handle);
    });
  } catch (error) {
    if (!gate.ended) failure ??= new Error('the transaction was not ended');
    throw error;
  } finally {
    gate.close();
    client.off('error', onError);
    // With an error the pool destroys the connection instead of lending it again.
    client.release(failure);
  }
}

/** The connection as drizzle sees it, for the time of one transaction. */
class Gate {
  #client: PoolClient | undefined;
  #ended = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /** Whether COMMIT or ROLLBACK went through, so that the connection is clean. */
  get ended(): boolean {
    return this.#ended;
  }

  close(): void {
    this.#client = undefined;
  }

  async query(...parameters: Parameters<PoolClient['query']>): Promise<unknown> {
    if (!this.#client) throw new CasemateError('internal', 'The transaction has ended');
    const text = (parameters[0] as unknown as { text: string }).text;
    const result = (await (this.#client.query as (...all: unknown[]) => Promise<unknown>)(...parameters)) as {
      command: string;
    };
    if (text === 'commit' || text === 'rollback') this.#ended = true;
    // COMMIT after a statement that failed and was caught rolls back in silence.
    if (text === 'commit' && result.command !== 'COMMIT') {
      throw new CasemateError('internal', 'The transaction could not be committed; nothing was changed');
    }
    return result;
  }
}
