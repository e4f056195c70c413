import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyProvider } from '#vault/key-provider.ts';
import { parseKeyText } from '#vault/key-text.ts';

/** Keys from a systemd credential (`LoadCredential=`), in the directory that systemd names in CREDENTIALS_DIRECTORY. */
export function credentialKeys(credentialsDirectory: string, name = 'casemate-vault'): KeyProvider {
  const path = join(credentialsDirectory, name);
  return { source: path, load: async () => parseKeyText(await readFile(path, 'utf8'), path) };
}
