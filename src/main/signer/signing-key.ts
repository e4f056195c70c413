import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
}

/** Names a public key. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}

export const publicKeyFile = (directory: string, id: string): string => join(directory, `${id}.pub.pem`);

/**
 * The signer's Ed25519 key, made when there is none: `key.pem`, for root alone. The public keys lie
 * beside it, those of earlier private keys as well. To rotate, stop, remove `key.pem`, and start.
 */
export function loadSigningKey(directory: string): SigningKey {
  const file = join(directory, 'key.pem');
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    const descriptor = openSync(file, 'wx', 0o600);
    writeSync(descriptor, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    fsyncSync(descriptor);
    closeSync(descriptor);
  }
  const privateKey = createPrivateKey(readFileSync(file));
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`${file} is not an Ed25519 key`);
  const publicKey = createPublicKey(privateKey);
  const id = keyIdOf(publicKey);
  const beside = publicKeyFile(directory, id);
  if (!existsSync(beside)) {
    writeFileSync(beside, publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644, flush: true });
  }
  return { id, privateKey };
}
