import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { lengthPrefixed } from '#base/bytes.ts';
import { CasemateError } from '#contract/errors.ts';
import type { SealedPlace } from '#vault/vault.ts';

/**
 * A sealed value: `version 1 (u8) | key id (u32, big-endian) | salt 32 | iv 12 | ciphertext | tag 16`.
 * Every value has a key of its own: HKDF-SHA256 (RFC 5869) of the key encryption key, with the salt
 * and the label and place as info; AES-256-GCM (NIST SP 800-38D), the place as additional data.
 */
const version = 1;
const label = Buffer.from('casemate sealed value v1');
const saltBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const headBytes = 1 + 4 + saltBytes + ivBytes;
export const sealedOverheadBytes = headBytes + tagBytes;

const altered = () =>
  new CasemateError('internal', 'A sealed value was altered or belongs elsewhere; it was kept as it is');

function additionalData(place: SealedPlace): Buffer {
  const parts = [place.table, place.column, place.rowId, place.team].map((part) => Buffer.from(part, 'utf8'));
  return Buffer.from(lengthPrefixed(parts));
}

const recordKey = (key: Uint8Array, salt: Uint8Array, place: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, Buffer.concat([label, place]), 32));

/** Encrypts under `key`, which is called `keyId`. */
export function sealRecord(keyId: number, key: Uint8Array, place: SealedPlace, plaintext: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(version, 0);
  head.writeUInt32BE(keyId, 1);
  const salt = randomBytes(saltBytes);
  const iv = randomBytes(ivBytes);
  salt.copy(head, 5);
  iv.copy(head, 5 + saltBytes);
  const aad = additionalData(place);
  const cipher = createCipheriv('aes-256-gcm', recordKey(key, salt, aad), iv, { authTagLength: tagBytes });
  cipher.setAAD(aad);
  const body = [cipher.update(plaintext), cipher.final()];
  return Buffer.concat([head, ...body, cipher.getAuthTag()]);
}

/** The id of the key that a value is under. CasemateError `internal` when it has not the form of a sealed value. */
export function sealedKeyId(sealed: Uint8Array): number {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < sealedOverheadBytes || bytes.readUInt8(0) !== version) throw altered();
  return bytes.readUInt32BE(1);
}

/** Decrypts. CasemateError `internal` when the value was altered, cut, or sealed for another place or key. */
export function openRecord(key: Uint8Array, place: SealedPlace, sealed: Uint8Array): Buffer {
  sealedKeyId(sealed);
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const salt = bytes.subarray(5, 5 + saltBytes);
  const iv = bytes.subarray(5 + saltBytes, headBytes);
  const aad = additionalData(place);
  // Without authTagLength Node would take a tag of four bytes.
  const decipher = createDecipheriv('aes-256-gcm', recordKey(key, salt, aad), iv, { authTagLength: tagBytes });
  decipher.setAAD(aad);
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const opened = decipher.update(bytes.subarray(headBytes, bytes.length - tagBytes));
  try {
    return Buffer.concat([opened, decipher.final()]);
  } catch (error) {
    opened.fill(0);
    throw new CasemateError('internal', altered().message, { cause: error });
  }
}
