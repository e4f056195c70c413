import { createHash, X509Certificate } from 'node:crypto';
import type { CertificatePair } from '#contract/server-supervision.ts';
import { readPair } from '#main/certificates/read-pair.ts';
import { watchFiles, type WatchOptions } from '#main/certificates/watch-files.ts';

/** What `status` and `doctor` say of the certificates. */
export interface CertificateState {
  readonly names: readonly string[];
  readonly endsMs: number;
  /** What stands in the way of the next ones; the current ones are served meanwhile. */
  readonly problem: string | null;
}

/** The certificates of an instance, wherever they come from. */
export interface Certificates extends Disposable {
  readonly pairs: readonly CertificatePair[];
  readonly state: readonly CertificateState[];
}

/** For `status`: names and end of a pair. */
export function describePair({ certificate }: CertificatePair, problem: string | null): CertificateState {
  const leaf = new X509Certificate(certificate);
  const names = (leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^(?:DNS|IP Address):/, ''));
  return { names, endsMs: leaf.validToDate.getTime(), problem };
}

export const digestOf = (pairs: readonly CertificatePair[]): string =>
  createHash('sha256').update(JSON.stringify(pairs)).digest('hex');

export interface FileCertificatesOptions {
  /** Certificate and key of each pair. */
  readonly files: readonly (readonly [string, string])[];
  /** Hears of new pairs, and of what is wrong with what was found (null: nothing any more). */
  readonly replaced: (pairs: readonly CertificatePair[]) => void;
  readonly changed: () => void;
  readonly say: (text: string) => void;
  readonly watching?: WatchOptions;
}

/**
 * Certificates of the operator's, read again when their files change. What cannot be used is said once
 * and left; the last good pairs go on.
 *
 * @throws CertificateProblem when the first pairs cannot be used
 */
export function fileCertificates(options: FileCertificatesOptions): Certificates {
  const { files, replaced, changed, say } = options;
  const readAll = (): readonly CertificatePair[] => files.map(([certificate, key]) => readPair(certificate, key));
  let pairs = readAll();
  let problem: string | null = null;

  const look = (): void => {
    const before = problem;
    try {
      const found = readAll();
      problem = null;
      if (digestOf(found) !== digestOf(pairs)) {
        pairs = found;
        say('the certificate files changed; new connections get the new ones');
        replaced(pairs);
      } else if (before === null) return;
      changed();
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      if (problem === before) return;
      say(`the certificate files changed and cannot be used; the old ones are kept: ${problem}`);
      changed();
    }
  };
  const watcher = watchFiles(files.flat(), look, options.watching);
  return {
    get pairs() {
      return pairs;
    },
    get state() {
      return pairs.map((pair) => describePair(pair, problem));
    },
    [Symbol.dispose]: () => watcher[Symbol.dispose](),
  };
}
