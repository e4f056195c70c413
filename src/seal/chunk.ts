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
import { chunkKeyLabel, chunkTagBytes } from '#contract/recording.ts';
import { type ChunkHead, encodeChunkHead } from '#contract/recording-head.ts';

const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex');
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const rawKeyBytes = 32;
const nonceBytes = 12;

export interface SealedChunk {
  readonly head: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

export type ChunkSealer = (
  head: Omit<ChunkHead, 'ephemeralKey' | 'plaintextBytes'>,
  plaintext: Uint8Array,
) => SealedChunk;

function publicKeyObject(raw: Uint8Array): KeyObject {
  if (raw.length !== rawKeyBytes) throw new TypeError('an X25519 public key has 32 bytes');
  return createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: 'der', type: 'spki' });
}

const rawPublicKey = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' }).subarray(-rawKeyBytes);

/** Derives the chunk's key and nonce and wipes the shared secret. */
function derive(shared: Buffer, ephemeral: Uint8Array, recipient: Uint8Array, head: Buffer): Buffer {
  const info = Buffer.concat([Buffer.from(chunkKeyLabel), head]);
  const salt = Buffer.concat([ephemeral, recipient]);
  const derived = Buffer.from(hkdfSync('sha256', shared, salt, info, rawKeyBytes + nonceBytes));
  shared.fill(0);
  return derived;
}

/**
 * Seals chunks of one recording as contract/recording.ts describes. Every chunk has a key pair of
 * its own, forgotten before this returns: who holds only the public key can write but not read.
 * Throws at once for a public key of low order (RFC 7748, section 6.1) or wrong length.
 */
export function createChunkSealer(recordingPublicKey: Uint8Array): ChunkSealer {
  const recipient = Buffer.from(recordingPublicKey);
  const recipientKey = publicKeyObject(recipient);
  diffieHellman({ privateKey: generateKeyPairSync('x25519').privateKey, publicKey: recipientKey }).fill(0);
  return (fields, plaintext) => {
    const pair = generateKeyPairSync('x25519');
    const ephemeral = rawPublicKey(pair.publicKey);
    const head = Buffer.from(encodeChunkHead({ ...fields, plaintextBytes: plaintext.length, ephemeralKey: ephemeral }));
    const shared = diffieHellman({ privateKey: pair.privateKey, publicKey: recipientKey });
    const derived = derive(shared, ephemeral, recipient, head);
    const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, rawKeyBytes), derived.subarray(rawKeyBytes), {
      authTagLength: chunkTagBytes,
    });
    derived.fill(0);
    cipher.setAAD(head);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    return { head, ciphertext, tag: cipher.getAuthTag() };
  };
}

export type ChunkOpener = (head: Buffer, ephemeralKey: Uint8Array, ciphertext: Uint8Array, tag: Uint8Array) => Buffer;

/** Opens chunks with the recording's private key (raw X25519). Throws when one was changed or the key is another's. */
export function createChunkOpener(recordingPrivateKey: Uint8Array): ChunkOpener & { readonly publicKey: Buffer } {
  if (recordingPrivateKey.length !== rawKeyBytes) throw new TypeError('an X25519 private key has 32 bytes');
  const der = Buffer.concat([pkcs8Prefix, recordingPrivateKey]);
  const own = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  const publicKey = rawPublicKey(createPublicKey(own));
  const open: ChunkOpener = (head, ephemeralKey, ciphertext, tag) => {
    const shared = diffieHellman({ privateKey: own, publicKey: publicKeyObject(ephemeralKey) });
    const derived = derive(shared, ephemeralKey, publicKey, head);
    const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, rawKeyBytes), derived.subarray(rawKeyBytes), {
      authTagLength: chunkTagBytes,
    });
    derived.fill(0);
    decipher.setAAD(head);
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  };
  return Object.assign(open, { publicKey });
}
