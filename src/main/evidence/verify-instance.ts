import { readFileSync } from 'node:fs';
import type { TeamId } from '#base/ids.ts';
import type { AuditFinding } from '#audit/verify.ts';
import { createAudit } from '#audit/create-audit.ts';
import { listCheckpoints } from '#audit/list-checkpoints.ts';
import { verifyCheckpoints } from '#audit/verify-checkpoints.ts';
import { systemClock } from '#base/clock.ts';
import { type ServerConfig, serverConfigSchema } from '#config/process.ts';
import { openDatabase } from '#database/open-database.ts';
import type { Evidence } from '#main/evidence/read-evidence.ts';
import type { Verdict } from '#main/evidence/verdict.ts';
import { createVault } from '#vault/create-vault.ts';
import { fileKeys } from '#vault/file-keys.ts';

const quiet = { warn: () => undefined };

/**
 * Verifies what PostgreSQL has now, without asking the server: every record, its link and its HMAC,
 * and every checkpoint against the files of the signer. Needs root, and PostgreSQL.
 */
export async function verifyInstance(serverConfigFile: string, evidence: Evidence): Promise<Verdict> {
  const config = serverConfigSchema.parse(JSON.parse(readFileSync(serverConfigFile, 'utf8')));
  return verifyStored(config, evidence);
}

/** The same, for a server that is configured so. */
export async function verifyStored(
  config: Pick<ServerConfig, 'database' | 'vaultDirectory'>,
  evidence: Evidence,
): Promise<Verdict> {
  await using database = openDatabase({ ...config.database, log: quiet });
  const vault = createVault(await fileKeys(config.vaultDirectory).load());
  await using audit = createAudit({ database, vault, clock: systemClock });
  const heads = await audit.heads();
  const chains = new Set<TeamId | 'instance'>(heads.map(({ chain }) => chain));
  const stored = (await Promise.all([...chains].map((chain) => listCheckpoints(database, chain)))).flat();
  const findings: AuditFinding[] = [];
  const hashes = new Map<string, Map<number, string>>();
  let records = 0;
  for (const chain of chains) {
    findings.push(...(await audit.check(chain)));
    const named = [...stored, ...evidence.anchors].filter((checkpoint) => checkpoint.chain === chain);
    const wanted = new Set(named.map(({ sequence }) => sequence));
    const kept = new Map<number, string>();
    let last: readonly [number, string] | undefined;
    for await (const { sequence, hash } of audit.export(chain)) {
      records += 1;
      last = [sequence, hash];
      if (wanted.has(sequence)) kept.set(sequence, hash);
    }
    if (last) kept.set(...last);
    hashes.set(chain, kept);
  }
  const verdict = verifyCheckpoints({ hashes, stored, ...evidence });
  return {
    records,
    findings: [...findings, ...verdict.findings],
    chains: verdict.chains,
    rest: 'only the HMAC under the key of the server vouches for',
  };
}
