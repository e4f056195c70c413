import type { TeamId } from '#base/ids.ts';
import type { Checkpoint } from '#contract/checkpoint.ts';
import type { Database } from '#database/database.ts';
import { listChainCheckpoints } from '#database/trail/checkpoint-store.ts';

/** The checkpoints of a chain as they are stored, verified or not. */
export async function listCheckpoints(database: Database, chain: TeamId | 'instance'): Promise<readonly Checkpoint[]> {
  const rows = await database.withJob('audit', (tx) => listChainCheckpoints(tx, chain));
  return rows.map(({ sequence, hash, signedAt, keyId, signature }) => ({
    version: 1,
    chain,
    sequence,
    hash,
    time: signedAt.toISOString(),
    keyId,
    signature: signature.toString('base64'),
  }));
}
