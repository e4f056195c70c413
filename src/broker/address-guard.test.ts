import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { guardedKind, hostAddresses } from '#broker/address-guard.ts';

/** First and last address of every refused block, and its neighbours where those are public. */
const table: readonly [address: string, kind: string | undefined][] = [
  ['0.0.0.0', 'unspecified'],
  ['0.255.255.255', 'unspecified'],
  ['1.0.0.0', undefined],
  ['9.255.255.255', undefined],
  ['10.0.0.0', 'private'],
  ['10.255.255.255', 'private'],
  ['11.0.0.0', undefined],
  ['100.63.255.255', undefined],
  ['100.64.0.0', 'carrier-grade NAT'],
  ['100.127.255.255', 'carrier-grade NAT'],
  ['100.128.0.0', undefined],
  ['126.255.255.255', undefined],
  ['127.0.0.0', 'loopback'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['128.0.0.0', undefined],
  ['168.63.129.15', undefined],
  ['168.63.129.16', 'cloud metadata'],
  ['168.63.129.17', undefined],
  ['169.253.255.255', undefined],
  ['169.254.0.0', 'link-local'],
  ['169.254.169.254', 'link-local'],
  ['169.254.255.255', 'link-local'],
  ['169.255.0.0', undefined],
  ['172.15.255.255', undefined],
  ['172.16.0.0', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', undefined],
  ['192.0.0.0', 'protocol assignments'],
  ['192.0.1.0', undefined],
  ['192.0.2.255', 'documentation'],
  ['192.88.99.1', '6to4 relay'],
  ['192.167.255.255', undefined],
  ['192.168.0.0', 'private'],
  ['192.168.255.255', 'private'],
  ['192.169.0.0', undefined],
  ['198.17.255.255', undefined],
  ['198.18.0.0', 'benchmarking'],
  ['198.19.255.255', 'benchmarking'],
  ['198.20.0.0', undefined],
  ['198.51.100.7', 'documentation'],
  ['203.0.113.7', 'documentation'],
  ['223.255.255.255', undefined],
  ['224.0.0.0', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.0', 'reserved'],
  ['255.255.255.254', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::2', 'IPv4-compatible'],
  ['::127.0.0.1', 'IPv4-compatible'],
  ['::8.8.8.8', 'IPv4-compatible'],
  ['::ffff:127.0.0.1', 'IPv4-mapped'],
  ['::ffff:8.8.8.8', 'IPv4-mapped'],
  ['::ffff:7f00:1', 'IPv4-mapped'],
  ['::ffff:0:8.8.8.8', 'IPv4-translated'],
  ['64:ff9b::1', 'NAT64'],
  ['64:ff9b::8.8.8.8', 'NAT64'],
  ['64:ff9b:1::1', 'NAT64'],
  ['64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'NAT64'],
  ['64:ff9b:2::1', 'reserved'],
  ['100::1', 'discard'],
  ['1fff::1', 'reserved'],
  ['2000::1', undefined],
  ['2001::1', 'Teredo'],
  ['2001:1::1', 'protocol assignments'],
  ['2001:1ff:ffff::1', 'protocol assignments'],
  ['2001:200::1', undefined],
  ['2001:db7:ffff::1', undefined],
  ['2001:db8::1', 'documentation'],
  ['2001:db9::1', undefined],
  ['2001:4860:4860::8888', undefined],
  ['2002::1', '6to4'],
  ['2002:7f00:1::', '6to4'],
  ['2003::1', undefined],
  ['2606:4700::1111', undefined],
  ['3fff::1', 'documentation'],
  ['3fff:fff:ffff::1', 'documentation'],
  ['3fff:1000::1', undefined],
  ['4000::1', 'reserved'],
  ['5f00::1', 'segment routing'],
  ['fc00::1', 'private'],
  ['fdff:ffff::1', 'private'],
  ['fe00::1', 'reserved'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'site-local'],
  ['feff::1', 'site-local'],
  ['ff02::1', 'multicast'],
  ['fe80::1%eth0', 'not an address'],
  ['2606:4700::1111%1', 'not an address'],
  ['1.2.3', 'not an address'],
  ['01.2.3.4', 'not an address'],
  ['', 'not an address'],
  ['example.com', 'not an address'],
];

test('H13 every special address is refused by its kind, and public neighbours are not', () => {
  for (const [address, kind] of table) assert.equal(guardedKind(address, []), kind, address);
});

test("H13 the host's own addresses are refused in any spelling, public ones too", () => {
  const own = ['203.0.112.9', '2606:4700:0:0:0:0:0:1234', 'fe80::9%eth0'];
  assert.equal(guardedKind('203.0.112.9', own), 'this host');
  assert.equal(guardedKind('2606:4700::1234', own), 'this host');
  assert.equal(guardedKind('2606:4700::1235', own), undefined);
  for (const address of hostAddresses()) assert.notEqual(guardedKind(address, hostAddresses()), undefined, address);
});

test('H13 an IPv4 address is refused in every IPv6 form that carries it', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const octets = address.split('.').map(Number);
      const hex = octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
      const [high, low] = [hex.slice(0, 4), hex.slice(4)];
      const forms = [`::${address}`, `::ffff:${address}`, `64:ff9b::${address}`, `2002:${high}:${low}::1`];
      for (const form of forms) assert.notEqual(guardedKind(form, []), undefined, form);
    }),
  );
});
