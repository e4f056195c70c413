import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Kinds of address that a sandbox may not reach; first match wins. Names after the IANA special-purpose registries. */
export const guardedRanges: readonly (readonly [range: string, kind: string])[] = [
  ['0.0.0.0/8', 'unspecified'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['168.63.129.16/32', 'cloud metadata'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'protocol assignments'],
  ['192.0.2.0/24', 'documentation'],
  ['192.31.196.0/24', 'AS112'],
  ['192.52.193.0/24', 'AMT'],
  ['192.88.99.0/24', '6to4 relay'],
  ['192.168.0.0/16', 'private'],
  ['192.175.48.0/24', 'AS112'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['::ffff:0:0/96', 'IPv4-mapped'],
  ['::ffff:0:0:0/96', 'IPv4-translated'],
  ['::/96', 'IPv4-compatible'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64'],
  ['100::/64', 'discard'],
  ['100:0:0:1::/64', 'discard'],
  ['2001::/32', 'Teredo'],
  ['2001:db8::/32', 'documentation'],
  ['2001::/23', 'protocol assignments'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment routing'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
];

interface Range {
  readonly bytes: Uint8Array;
  readonly bits: number;
  readonly kind: string;
}

const ranges: readonly Range[] = guardedRanges.map(([range, kind]) => {
  const [address = '', bits] = range.split('/');
  const bytes = addressBytes(address);
  if (!bytes) throw new TypeError(`${range} is not a range`);
  return { bytes, bits: Number(bits), kind };
});

/** Global unicast, the only IPv6 block from which public addresses are given out. */
const publicIpv6: Range = { bytes: addressBytes('2000::') ?? new Uint8Array(16), bits: 3, kind: 'public' };

/** Addresses of this machine's own interfaces at this moment. */
export const hostAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map((entry) => entry.address));

/**
 * The kind of `address` when a sandbox may not reach it, undefined when it is a public address of
 * another machine. What cannot be parsed, zone ids included, is refused as well.
 *
 * @param own the host's own addresses, read when the decision is made because interfaces come and go
 */
export function guardedKind(address: string, own: readonly string[]): string | undefined {
  const bytes = addressBytes(address);
  if (!bytes) return 'not an address';
  const range = ranges.find((candidate) => covers(candidate, bytes));
  if (range) return range.kind;
  if (bytes.length === 16 && !covers(publicIpv6, bytes)) return 'reserved';
  for (const candidate of own) {
    const ours = addressBytes(candidate.split('%')[0] ?? '');
    if (ours && ours.length === bytes.length && ours.every((byte, index) => byte === bytes[index])) return 'this host';
  }
  return undefined;
}

function covers(range: Range, bytes: Uint8Array): boolean {
  if (range.bytes.length !== bytes.length) return false;
  for (let bit = 0; bit < range.bits; bit += 8) {
    const mask = 0xff & ~(0xff >> Math.min(8, range.bits - bit));
    if ((((range.bytes[bit >> 3] ?? 0) ^ (bytes[bit >> 3] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** 4 or 16 bytes of a literal without brackets, or undefined. */
function addressBytes(address: string): Uint8Array | undefined {
  const family = isIP(address);
  if (family === 4) return Uint8Array.from(address.split('.'), Number);
  if (family !== 6 || address.includes('%')) return undefined;
  // The URL parser writes every form, dotted tails included, as groups with at most one `::`.
  const canonical = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  if (canonical === undefined) return undefined;
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}
