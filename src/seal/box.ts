import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';

/** An X25519 key pair (RFC 7748), 32 raw bytes each. */
export interface BoxKeyPair {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex');
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export function generateBoxKeyPair(): BoxKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(-keyBytes),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-keyBytes),
  };
}

function publicKeyObject(raw: Uint8Array): KeyObject {
  if (raw.length !== keyBytes) throw new TypeError('an X25519 public key has 32 bytes');
  return createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: 'der', type: 'spki' });
}

/** X25519 (RFC 7748, section 6.1), raw. Throws for keys of low order, whose result would be zero. */
export function boxSharedKey(privateKey: Uint8Array, publicKey: Uint8Array): Buffer {
  if (privateKey.length !== keyBytes) throw new TypeError('an X25519 private key has 32 bytes');
  const own = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, privateKey]), format: 'der', type: 'pkcs8' });
  return diffieHellman({ privateKey: own, publicKey: publicKeyObject(publicKey) });
}

/** AES-256-GCM key and nonce of one box; every box has an ephemeral key of its own, so a nonce is never reused. */
function keyAndNonce(
  shared: Buffer,
  ephemeral: Uint8Array,
  recipient: Uint8Array,
  label: string,
): { key: Buffer; nonce: Buffer } {
  const derived = Buffer.from(
    hkdfSync('sha256', shared, Buffer.concat([ephemeral, recipient]), label, keyBytes + nonceBytes),
  );
  return { key: derived.subarray(0, keyBytes), nonce: derived.subarray(keyBytes) };
}

/**
 * Seals `plaintext` to a public key: whoever holds only that key can write but not read.
 * `ephemeral public key (32) | ciphertext | tag (16)`; HKDF-SHA256 (RFC 5869) with `label` as info,
 * AES-256-GCM with `aad`. `label` separates uses; the same label and AAD open it.
 */
export function sealBox(publicKey: Uint8Array, plaintext: Uint8Array, label: string, aad: Uint8Array): Buffer {
  const ephemeral = generateBoxKeyPair();
  const { key, nonce } = keyAndNonce(
    boxSharedKey(ephemeral.privateKey, publicKey),
    ephemeral.publicKey,
    publicKey,
    label,
  );
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(aad);
  return Buffer.concat([ephemeral.publicKey, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Opens {@link sealBox}; throws when the box, label, AAD or key is not the one it was sealed with. */
export function openBox(privateKey: Uint8Array, sealed: Uint8Array, label: string, aad: Uint8Array): Buffer {
  if (sealed.length < keyBytes + tagBytes) throw new TypeError('a sealed box is longer');
  const ephemeral = sealed.subarray(0, keyBytes);
  const own = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, privateKey]), format: 'der', type: 'pkcs8' });
  const recipient = createPublicKey(own).export({ type: 'spki', format: 'der' }).subarray(-keyBytes);
  const { key, nonce } = keyAndNonce(boxSharedKey(privateKey, ephemeral), ephemeral, recipient, label);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(keyBytes, sealed.length - tagBytes)), decipher.final()]);
}
