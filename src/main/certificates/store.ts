import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { CertificatePair } from '#contract/server-supervision.ts';

/** Writes a file that root alone reads, in one step, and on disk before it is named. */
export function writeForRoot(path: string, content: string, mode = 0o600): void {
  const fresh = `${path}.new`;
  const fd = openSync(fresh, 'w', mode);
  try {
    chmodSync(fresh, mode);
    writeSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
}

/** Certificate and key in one file, so that they are never of two orders. */
export interface PairStore {
  load(): CertificatePair | null;
  save(pair: CertificatePair): void;
}

/** Keeps a pair as `<name>.pem`: the key first, then the chain. */
export function pairStore(directory: string, name: string): PairStore {
  const path = join(directory, `${name}.pem`);
  return {
    load() {
      if (!existsSync(path)) return null;
      const text = readFileSync(path, 'utf8');
      const at = text.indexOf('-----BEGIN CERTIFICATE-----');
      return at <= 0 ? null : { key: text.slice(0, at), certificate: text.slice(at) };
    },
    save(pair) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeForRoot(path, `${pair.key.trim()}\n${pair.certificate.trim()}\n`);
    },
  };
}
