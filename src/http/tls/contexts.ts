import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { CertificatePair } from '#contract/server-supervision.ts';

/** TLS 1.3, and of 1.2 only what has forward secrecy and authenticated encryption (RFC 9325, section 4.2). */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** What each connection is secured with. */
export function secureOptions({ certificate, key }: CertificatePair): SecureContextOptions {
  return {
    cert: certificate,
    key,
    ciphers,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  };
}

interface Entry {
  readonly certificate: X509Certificate;
  readonly context: SecureContext;
}

/** The certificates that are served. Connections that stand keep the one they began with. */
export interface TlsContexts {
  /** Of names that no certificate covers, and of clients that name none. */
  readonly standard: SecureContextOptions;
  /** Takes all or nothing: throws when one of the pairs cannot be used, and the old ones stay. */
  replace(pairs: readonly CertificatePair[]): void;
  /** Is told after each change. */
  onReplaced(listener: (standard: SecureContextOptions) => void): void;
  /** By Server Name Indication (RFC 6066, section 3); undefined leaves it to `standard`. */
  choose(serverName: string): SecureContext | undefined;
  /** Whether a browser would take one of the certificates for this name, if it trusts who signed it. */
  covers(name: string): boolean;
}

/** @throws Error when one of the pairs cannot be used */
export function createTlsContexts(first: readonly CertificatePair[]): TlsContexts {
  let pairs = first;
  let entries = first.map(entryOf);
  const listeners: ((standard: SecureContextOptions) => void)[] = [];
  const standard = (): SecureContextOptions => {
    const [pair] = pairs;
    if (!pair) throw new TypeError('TLS needs a certificate');
    return secureOptions(pair);
  };
  const find = (name: string): Entry | undefined =>
    entries.find(({ certificate }) => certificate.checkHost(name, { subject: 'never' }) !== undefined);
  standard();
  return {
    get standard() {
      return standard();
    },
    replace(next) {
      const fresh = next.map(entryOf);
      pairs = next;
      entries = fresh;
      for (const listener of listeners) listener(standard());
    },
    onReplaced: (listener) => void listeners.push(listener),
    choose: (serverName) => find(serverName)?.context,
    covers: (name) => find(name) !== undefined,
  };
}

function entryOf(pair: CertificatePair): Entry {
  const certificate = new X509Certificate(pair.certificate);
  if (!certificate.checkPrivateKey(createPrivateKey(pair.key))) {
    throw new Error('a private key does not belong to its certificate');
  }
  return { certificate, context: createSecureContext(secureOptions(pair)) };
}
