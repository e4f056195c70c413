import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { CertificatePair } from '#contract/server-supervision.ts';
import { issueAuthority, issueServer } from '#main/certificates/issue.ts';
import { pairStore, writeForRoot } from '#main/certificates/store.ts';

const authorityDays = 3650;
/** Browsers take no longer ones from public authorities; some judge private ones alike. */
const serverDays = 397;

export interface DevelopmentFiles {
  /** The authority's certificate, for people to trust; its key lies in `authority.pem`, root's alone. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface Development {
  readonly files: DevelopmentFiles;
  readonly names: readonly string[];
  /** SHA-256 of the authority's certificate, as browsers show it. */
  readonly fingerprint: string;
  readonly madeAuthority: boolean;
}

export const developmentFiles = (directory: string): DevelopmentFiles => ({
  authority: join(directory, 'authority.crt'),
  certificate: join(directory, 'development.crt'),
  key: join(directory, 'development.key'),
});

/**
 * Makes a certificate for localhost and `names`, each with its wildcard, and the authority that signs it
 * where there is none. An authority can sign for the names it was made with only, and `replace` makes
 * another, which must be trusted anew.
 *
 * @throws Error when the authority that is there may not sign for one of the names
 */
export async function makeDevelopment(
  directory: string,
  given: readonly string[],
  replace: boolean,
): Promise<Development> {
  const files = developmentFiles(directory);
  const store = pairStore(directory, 'authority');
  // Browsers take no wildcard directly below `localhost`; below a name of two labels they do.
  const bases = [...new Set(['localhost', 'casemate.localhost', ...given.map((name) => name.replace(/^\*\./, ''))])];
  const names = [...bases.flatMap((name) => [name, `*.${name}`]), '127.0.0.1', '::1'];
  const kept = replace ? null : store.load();
  const authority =
    kept ?? (await issueAuthority({ commonName: commonName(bases), names: bases, days: authorityDays }));
  const stranger = kept ? bases.find((name) => !maySign(kept, name)) : undefined;
  if (stranger !== undefined) {
    throw new Error(
      `the authority that is there was not made for ${stranger}. With --replace another one is made, ` +
        'which browsers must be told to trust anew',
    );
  }
  const server = await issueServer({ names, days: serverDays, authority });
  if (!kept) store.save(authority);
  writeForRoot(files.authority, authority.certificate);
  writeForRoot(files.key, server.key);
  writeForRoot(files.certificate, server.certificate);
  const { fingerprint256 } = new X509Certificate(authority.certificate);
  return { files, names, fingerprint: fingerprint256, madeAuthority: kept === null };
}

const prefix = 'Casemate development for ';

/** The names are part of the authority's own, so that people see what they trust. */
const commonName = (bases: readonly string[]): string => `${prefix}${bases.join(' ')}`.replace(/[^a-zA-Z0-9. -]/g, '');

function maySign({ certificate }: CertificatePair, name: string): boolean {
  const subject = new X509Certificate(certificate).subject.split('\n').find((line) => line.startsWith('CN='));
  const bases = subject?.slice(3 + prefix.length).split(' ') ?? [];
  return isIP(name) === 0 && bases.some((base) => name === base || name.endsWith(`.${base}`));
}
