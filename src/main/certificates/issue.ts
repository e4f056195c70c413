import { createPrivateKey, KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificatePair } from '#contract/server-supervision.ts';
import { nameConstraints } from '#main/certificates/name-constraints.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
/** Clocks differ. */
const earlyMs = 3_600_000;

/** An authority that may sign for these names, what lies below them, and loopback addresses, and for no other (RFC 5280, section 4.2.1.10). */
export async function issueAuthority(of: {
  readonly commonName: string;
  readonly names: readonly string[];
  readonly days: number;
}): Promise<CertificatePair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(of.days),
    name: `CN=${of.commonName}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      nameConstraints(of.names),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pair([certificate], keys.privateKey);
}

/** A server's certificate for DNS names and addresses, signed by the authority; without one it signs itself. */
export async function issueServer(of: {
  readonly names: readonly string[];
  readonly days: number;
  readonly authority: CertificatePair | null;
}): Promise<CertificatePair> {
  const keys = await newKeys();
  const issuer = of.authority ? new X509Certificate(of.authority.certificate) : null;
  const signingKey = of.authority ? importKey(of.authority.key) : keys.privateKey;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(
      of.names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name })),
    ),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ...(issuer ? [await AuthorityKeyIdentifierExtension.create(issuer.publicKey)] : []),
  ];
  const certificate = await X509CertificateGenerator.create({
    ...validity(of.days),
    subject: `CN=${of.names[0] ?? 'casemate'}`,
    issuer: issuer?.subject ?? `CN=${of.names[0] ?? 'casemate'}`,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions,
  });
  return pair([certificate, ...(issuer ? [issuer] : [])], keys.privateKey);
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const importKey = (pem: string): webcrypto.CryptoKey => createPrivateKey(pem).toCryptoKey(algorithm, false, ['sign']);

function validity(days: number): { notBefore: Date; notAfter: Date; serialNumber: string } {
  const serial = webcrypto.getRandomValues(new Uint8Array(16));
  // Positive (RFC 5280, section 4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return {
    notBefore: new Date(Date.now() - earlyMs),
    notAfter: new Date(Date.now() + days * dayMs),
    serialNumber: Buffer.from(serial).toString('hex'),
  };
}

const pair = (chain: readonly X509Certificate[], key: webcrypto.CryptoKey): CertificatePair => ({
  certificate: chain.map((certificate) => `${certificate.toString('pem').trim()}\n`).join(''),
  key: KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString(),
});
