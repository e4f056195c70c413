import type { VaultKey, VaultKeys } from '#vault/key-provider.ts';

/**
 * Keys as text: entries `lookup:<64 hex>` and `<id>:<64 hex>`, one a line or separated by commas.
 * Errors name `source` and the entry's number, never its content.
 */
export function parseKeyText(text: string, source: string): VaultKeys {
  const sealing: VaultKey[] = [];
  let lookup: Uint8Array | undefined;
  const entries = text.split(/[\n,]/).map((entry) => entry.trim());
  for (const [index, entry] of entries.entries()) {
    if (entry === '') continue;
    const match = /^(lookup|[1-9]\d{0,9}):([0-9a-f]{64})$/.exec(entry);
    if (!match?.[1] || !match[2]) throw new Error(`${source}: entry ${index + 1} is not a key`);
    const bytes = Buffer.from(match[2], 'hex');
    if (match[1] === 'lookup') {
      if (lookup) throw new Error(`${source} holds two look-up keys`);
      lookup = bytes;
    } else {
      sealing.push({ id: Number(match[1]), bytes });
    }
  }
  if (!lookup || sealing.length === 0) throw new Error(`${source} needs a look-up key and a sealing key at least`);
  return { sealing, lookup };
}

export function formatKeyText(keys: VaultKeys): string {
  const line = (name: string | number, bytes: Uint8Array) => `${name}:${Buffer.from(bytes).toString('hex')}\n`;
  return line('lookup', keys.lookup) + keys.sealing.map(({ id, bytes }) => line(id, bytes)).join('');
}
