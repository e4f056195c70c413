import { canonicalJson } from '#base/canonical.ts';
import type { SecretDescription } from '#contract/broker.ts';
import { openBox, sealBox } from '#seal/box.ts';

const label = 'casemate secret v1';
const authenticated = (description: SecretDescription): Buffer => Buffer.from(canonicalJson(description));

/** Seals a secret to the broker, bound to its team, name, kind, user name and destination. */
export function sealSecret(brokerPublicKey: Uint8Array, description: SecretDescription, value: string): Buffer {
  return sealBox(brokerPublicKey, Buffer.from(value), label, authenticated(description));
}

/** Opens {@link sealSecret}; throws when any part of the description was changed. */
export function openSecret(privateKey: Uint8Array, description: SecretDescription, sealed: Uint8Array): string {
  return openBox(privateKey, sealed, label, authenticated(description)).toString('utf8');
}
