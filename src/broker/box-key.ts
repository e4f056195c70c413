import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type BoxKeyPair, generateBoxKeyPair } from '#seal/box.ts';
import { writeDurableFile } from '#broker/durable-file.ts';

const keySchema = z.strictObject({ publicKey: z.base64().length(44), privateKey: z.base64().length(44) });

/**
 * The broker's X25519 key pair, to which secrets are sealed; made at first start (0600). A key file that
 * cannot be read stops the start: a new key would make every stored secret unreadable in silence.
 */
export async function loadBoxKey(stateDirectory: string): Promise<BoxKeyPair> {
  const file = path.join(stateDirectory, 'box-key.json');
  try {
    const stored = keySchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return {
      publicKey: Buffer.from(stored.publicKey, 'base64'),
      privateKey: Buffer.from(stored.privateKey, 'base64'),
    };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const made = generateBoxKeyPair();
  const { publicKey, privateKey } = made;
  const content = { publicKey: publicKey.toString('base64'), privateKey: privateKey.toString('base64') };
  await writeDurableFile(file, JSON.stringify(content));
  return made;
}
