import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type Checkpoint, checkpointText } from '#contract/checkpoint.ts';
import type { AuditFinding } from '#audit/verify.ts';

export interface CheckpointFinding extends Pick<AuditFinding, 'chain' | 'message'> {
  readonly kind: 'unsigned' | 'rewritten' | 'unanchored';
}

/** What the public keys alone prove of one chain. */
export interface ProvenChain {
  readonly chain: string;
  /** Records up to this one are as they were when it was signed; 0 when none is. */
  readonly provenUpTo: number;
  /** When that was, ISO 8601. */
  readonly provenAt: string | null;
  /** Records after it: whoever has the server's keys could have changed these. */
  readonly unproven: number;
}

export interface CheckpointVerdict {
  readonly findings: readonly CheckpointFinding[];
  readonly chains: readonly ProvenChain[];
}

/** Public keys (PEM, SPKI) by the id under which checkpoints name them. Throws for what is not an Ed25519 key. */
export function publicKeysById(pems: Iterable<string | Buffer>): ReadonlyMap<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const pem of pems) {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('a public key is not an Ed25519 key');
    const der = key.export({ type: 'spki', format: 'der' });
    keys.set(createHash('sha256').update(der).digest('hex').slice(0, 16), key);
  }
  return keys;
}

/**
 * Holds records against the heads that were signed. The links between the records must have been
 * checked as well (`verifyAudit`): then one signed hash proves every record before it.
 */
export function verifyCheckpoints(of: {
  /** Hashes of stored records, for at least the sequences that a checkpoint names, and each chain's last. */
  readonly hashes: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** From the database, or with an export. */
  readonly stored: readonly Checkpoint[];
  /** From the signer's own files; null when they are not at hand. */
  readonly anchors: readonly Checkpoint[] | null;
  readonly keys: ReadonlyMap<string, KeyObject>;
}): CheckpointVerdict {
  const findings: CheckpointFinding[] = [];
  const identity = ({ chain, sequence, hash, keyId }: Checkpoint): string => `${chain} ${sequence} ${hash} ${keyId}`;
  const anchored = of.anchors === null ? null : new Set(of.anchors.map(identity));
  const unique = new Map([...of.stored, ...(of.anchors ?? [])].map((one) => [identity(one) + one.signature, one]));
  const proven = new Map<string, Checkpoint>();

  for (const checkpoint of unique.values()) {
    const { chain, sequence, hash, time, keyId, signature } = checkpoint;
    const add = (kind: CheckpointFinding['kind'], what: string): number =>
      findings.push({ chain, kind, message: `the checkpoint at record ${sequence} of ${chain} ${what}` });
    const key = of.keys.get(keyId);
    if (!key || !verify(null, Buffer.from(checkpointText(checkpoint)), key, Buffer.from(signature, 'base64'))) {
      add('unsigned', key ? 'does not bear its signature' : 'is signed by a key that is not the signer’s');
      continue;
    }
    if (anchored && !anchored.has(identity(checkpoint))) add('unanchored', 'is not in the files of the signer');
    const found = of.hashes.get(chain)?.get(sequence);
    if (found === undefined) add('rewritten', `was signed at ${time}, and that record is gone`);
    else if (found !== hash) add('rewritten', `was signed at ${time}; the records up to it were rewritten since`);
    else if ((proven.get(chain)?.sequence ?? 0) < sequence) proven.set(chain, checkpoint);
  }

  const names = new Set([...of.hashes.keys(), ...[...unique.values()].map(({ chain }) => chain)]);
  const chains = [...names].toSorted().map((chain): ProvenChain => {
    const last = Math.max(0, ...(of.hashes.get(chain)?.keys() ?? []));
    // A chain with a finding proves nothing: which of its parts are old cannot be told from which are new.
    const broken = findings.some((finding) => finding.chain === chain && finding.kind === 'rewritten');
    const at = broken ? undefined : proven.get(chain);
    const provenUpTo = at?.sequence ?? 0;
    return { chain, provenUpTo, provenAt: at?.time ?? null, unproven: last - provenUpTo };
  });
  return { findings, chains };
}
