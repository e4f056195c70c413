import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressBlock } from '#identity/address-block.ts';

test('an IPv4 address is its own block, in IPv6 form too', () => {
  assert.equal(addressBlock('192.0.2.7'), '192.0.2.7');
  assert.equal(addressBlock('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(addressBlock('::ffff:c000:207'), '192.0.2.7');
});

test('IPv6 addresses of one /64 are one block, however they are written', () => {
  const block = '2001:db8:1:2::/64';
  for (const address of [
    '2001:db8:1:2::1',
    '2001:DB8:1:2:ffff:ffff:ffff:ffff',
    '2001:0db8:0001:0002::',
    '2001:db8:1:2::192.0.2.1',
  ]) {
    assert.equal(addressBlock(address), block);
  }
  assert.notEqual(addressBlock('2001:db8:1:3::1'), block);
  assert.equal(addressBlock('::1'), '0:0:0:0::/64');
  assert.equal(addressBlock('fe80::1%eth0'), 'fe80:0:0:0::/64');
});

test('any two addresses share a block exactly when their first 64 bits are the same', () => {
  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
  const text = (of: number[]) => of.map((group) => group.toString(16)).join(':');
  fc.assert(
    fc.property(groups, groups, (one, two) => {
      // ::ffff:0:0/96 counts as IPv4.
      fc.pre(one.slice(0, 5).some((group) => group !== 0) && two.slice(0, 5).some((group) => group !== 0));
      assert.ok(isIPv6(text(one)));
      const same = one.slice(0, 4).every((group, index) => group === two[index]);
      assert.equal(addressBlock(text(one)) === addressBlock(text(two)), same);
    }),
  );
});
