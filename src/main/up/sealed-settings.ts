import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createVault } from '#vault/create-vault.ts';
import { fileKeys } from '#vault/file-keys.ts';
import type { SealedPlace, Vault } from '#vault/vault.ts';

const fileSchema = z.record(z.string(), z.base64());
const placeOf = (name: string): SealedPlace => ({
  table: 'settings',
  column: 'value',
  rowId: name,
  team: 'instance',
});

const fileOf = (data: string): string => join(data, 'config/sealed.json');

/** Settings have keys of their own: root's, which the server's user cannot read. */
async function openVault(data: string): Promise<Vault> {
  return createVault(await fileKeys(join(data, 'config/keys')).load());
}

/** What `config set` sealed, opened, by setting name. */
export async function readSealedSettings(data: string): Promise<Record<string, string>> {
  const file = fileOf(data);
  if (!existsSync(file)) return {};
  const sealed = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const vault = await openVault(data);
  return Object.fromEntries(
    Object.entries(sealed).map(([name, value]) => [
      name,
      vault.open(placeOf(name), Buffer.from(value, 'base64')).toString('utf8'),
    ]),
  );
}

/** Seals one value, or forgets it when null. */
export async function writeSealedSetting(data: string, name: string, value: string | null): Promise<void> {
  const file = fileOf(data);
  const sealed = existsSync(file) ? fileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
  if (value === null) delete sealed[name];
  else sealed[name] = (await openVault(data)).seal(placeOf(name), Buffer.from(value)).toString('base64');
  writeFileSync(`${file}.new`, `${JSON.stringify(sealed, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
