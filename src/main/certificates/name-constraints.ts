import { Extension } from '@peculiar/x509';

const oid = '2.5.29.30';

/** DER: tag, length, content. */
function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(content);
  const length = bytes.length < 0x80 ? [bytes.length] : [0x82, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}

const loopback4 = Buffer.from([127, 0, 0, 0, 255, 0, 0, 0]);
const loopback6 = Buffer.concat([Buffer.alloc(15), Buffer.from([1]), Buffer.alloc(16, 255)]);

/**
 * The extension NameConstraints (RFC 5280, section 4.2.1.10), critical: only these DNS names with what
 * lies below them, and loopback addresses. Who trusts such an authority trusts it for nothing else.
 */
export function nameConstraints(names: readonly string[]): Extension {
  const subtree = (generalName: Uint8Array): Uint8Array => der(0x30, generalName);
  const permitted = [
    ...names.map((name) => subtree(der(0x82, Buffer.from(name, 'ascii')))),
    subtree(der(0x87, loopback4)),
    subtree(der(0x87, loopback6)),
  ];
  return new Extension(oid, true, Uint8Array.from(der(0x30, der(0xa0, ...permitted))));
}
