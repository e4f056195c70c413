import { createHmac, hkdfSync } from 'node:crypto';
import type { VaultKeys } from '#vault/key-provider.ts';
import { openRecord, sealedKeyId, sealRecord } from '#vault/record.ts';
import { lookupPurposes, type LookupPurpose, type Vault } from '#vault/vault.ts';
import { CasemateError } from '#contract/errors.ts';

/** Builds a vault over loaded keys. Throws when there are none, two of one id, or one is not 32 bytes. */
export function createVault(keys: VaultKeys): Vault {
  const sealing = new Map<number, Uint8Array>();
  for (const { id, bytes } of keys.sealing) {
    if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff) throw new Error('a vault key has an id out of range');
    if (bytes.length !== 32) throw new Error('a vault key is not 32 bytes');
    if (sealing.has(id)) throw new Error('two vault keys have the same id');
    sealing.set(id, bytes);
  }
  const newest = Math.max(...sealing.keys());
  const newestKey = sealing.get(newest);
  if (!newestKey) throw new Error('there is no vault key');
  if (keys.lookup.length !== 32) throw new Error('the look-up key is not 32 bytes');
  const lookups = new Map<LookupPurpose, Buffer>(
    lookupPurposes.map((purpose) => [
      purpose,
      Buffer.from(hkdfSync('sha256', keys.lookup, '', `casemate look-up v1 ${purpose}`, 32)),
    ]),
  );

  return {
    seal: (place, plaintext) => sealRecord(newest, newestKey, place, plaintext),
    open(place, sealed) {
      const key = sealing.get(sealedKeyId(sealed));
      if (!key) {
        throw new CasemateError(
          'internal',
          'A sealed value is under a key that this server does not have; the value was kept',
        );
      }
      return openRecord(key, place, sealed);
    },
    needsReseal: (sealed) => sealedKeyId(sealed) !== newest,
    lookup(purpose, value) {
      const key = lookups.get(purpose);
      if (!key) throw new Error('there is no such look-up purpose');
      return createHmac('sha256', key).update(value).digest();
    },
  };
}
