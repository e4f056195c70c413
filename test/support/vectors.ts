import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The directory of test vectors: `shared/vectors` beside the repository or further up, or in
 * CASEMATE_SHARED. Undefined where there is none.
 */
export function vectorsDirectory(): string | undefined {
  const roots: string[] = [];
  if (process.env['CASEMATE_SHARED']) roots.push(process.env['CASEMATE_SHARED']);
  for (let at = join(import.meta.dirname, '../..'); dirname(at) !== at; at = dirname(at))
    roots.push(join(dirname(at), 'shared'));
  return roots.map((root) => join(root, 'vectors')).find((directory) => existsSync(directory));
}
