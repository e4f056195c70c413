import { createHmac } from 'node:crypto';
import pg from 'pg';
import type { TenantScope } from '#database/tenant-scope.ts';

/** A proof is good for so long; clocks of server and database may differ by less. */
const validSeconds = 900;
const keyPattern = /^[0-9a-f]{64}$/;
const blockBytes = 64;

function keyBytes(key: string): Buffer {
  if (!keyPattern.test(key)) throw new Error('the key of tenant proofs is not 64 hexadecimal digits');
  return Buffer.from(key, 'hex');
}

/**
 * Makes the value of `casemate.context`: `team|user|expires|HMAC-SHA256`. `current_team_id()` in the
 * database checks it, so that SQL in a transaction of one team cannot name another (H18).
 */
export function createTenantProof(key: string, nowMs: () => number = Date.now): (scope: TenantScope) => string {
  const secret = keyBytes(key);
  return ({ teamId, userId }) => {
    const said = `${teamId}|${userId ?? ''}|${Math.floor(nowMs() / 1000) + validSeconds}`;
    return `${said}|${createHmac('sha256', secret).update(`casemate tenant v1|${said}`).digest('hex')}`;
  };
}

/** Gives the database what it checks proofs with (RFC 2104 pads), as its owner. Run after `migrate`. */
export async function setContextKey(ownerUrl: string, key: string): Promise<void> {
  const block = Buffer.concat([keyBytes(key)], blockBytes);
  const pad = (byte: number): Buffer => block.map((value) => value ^ byte) as Buffer;
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  // The query under way rejects as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(
      `insert into context_keys (id, inner_pad, outer_pad) values (1, $1, $2)
       on conflict (id) do update set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad`,
      [pad(0x36), pad(0x5c)],
    );
  } finally {
    await client.end();
  }
}
