import type { KeyProvider } from '#vault/key-provider.ts';
import { parseKeyText } from '#vault/key-text.ts';

/** Keys from the value of an environment variable, as the composition root read it: `lookup:<hex>,1:<hex>`. */
export function environmentKeys(name: string, value: string): KeyProvider {
  return { source: `the environment (${name})`, load: async () => parseKeyText(value, name) };
}
