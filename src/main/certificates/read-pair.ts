import { createPrivateKey, X509Certificate } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { CertificatePair } from '#contract/server-supervision.ts';

/** A certificate cannot be served; the message says which file and what to do. */
export class CertificateProblem extends Error {
  override readonly name = 'CertificateProblem';
}

const maximumBytes = 256 * 1024;

/**
 * Reads a certificate with its chain and its key, and proves that they belong together, so that a pair
 * that is half written is not taken.
 *
 * @throws CertificateProblem
 */
export function readPair(certificateFile: string, keyFile: string): CertificatePair {
  const certificate = read(certificateFile, false);
  const key = read(keyFile, true);
  const leaf = parsed(certificateFile, () => new X509Certificate(certificate));
  const secret = parsed(keyFile, () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret)) {
    throw new CertificateProblem(`the key in ${keyFile} does not belong to the certificate in ${certificateFile}`);
  }
  if (leaf.ca)
    throw new CertificateProblem(`${certificateFile} begins with an authority; the server's own comes first`);
  if (leaf.validToDate.getTime() <= Date.now()) {
    throw new CertificateProblem(`the certificate in ${certificateFile} ended on ${leaf.validToDate.toISOString()}`);
  }
  return { certificate, key };
}

function read(path: string, secret: boolean): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw new CertificateProblem(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  try {
    // Of what was opened, so that it cannot be another file by now.
    const status = fstatSync(fd);
    if (!status.isFile() || status.size > maximumBytes) throw new CertificateProblem(`${path} is no file of PEM text`);
    if (secret && ((status.mode & 0o027) !== 0 || (status.uid !== 0 && status.uid !== process.getuid?.()))) {
      throw new CertificateProblem(
        `others could read or change the private key ${path}: chown root ${path} && chmod 600 ${path}`,
      );
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function parsed<Value>(path: string, parse: () => Value): Value {
  try {
    return parse();
  } catch {
    // OpenSSL's own words may hold what was read.
    throw new CertificateProblem(`${path} is not PEM of the kind that is needed, or is only half written`);
  }
}
