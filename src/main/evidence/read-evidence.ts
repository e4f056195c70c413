import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publicKeysById } from '#audit/verify-checkpoints.ts';
import type { Checkpoint } from '#contract/checkpoint.ts';
import { anchorFiles, parseAnchors } from '#main/signer/anchors.ts';

/** What checkpoints are verified with. */
export interface Evidence {
  readonly keys: ReturnType<typeof publicKeysById>;
  readonly anchors: readonly Checkpoint[];
}

/** PEM of the public keys that lie in a signer's directory. */
export const readPublicKeys = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.pub.pem'))
    .map((name) => readFileSync(join(directory, name), 'utf8'));

/** Reads a signer's directory, or a copy of it. Keys from elsewhere take the place of those that lie there. */
export function readEvidence(directory: string, keyFiles: readonly string[] = []): Evidence {
  const pems = keyFiles.length > 0 ? keyFiles.map((file) => readFileSync(file, 'utf8')) : readPublicKeys(directory);
  return {
    keys: publicKeysById(pems),
    anchors: anchorFiles(directory).flatMap((name) => parseAnchors(readFileSync(join(directory, name), 'utf8'))),
  };
}
