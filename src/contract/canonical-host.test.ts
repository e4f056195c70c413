import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCanonicalHost } from '#contract/canonical-host.ts';

const accepted = [
  'localhost',
  'github.com',
  '*.github.com',
  'xn--bcher-kva.example',
  '_dmarc.example.com',
  '127.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[1::]',
  '[2001:db8::1]',
  '[2001:db8:0:1:1:1:1:1]',
  '[1:0:0:2::3]',
  '[fe80::1:0:0:1]',
];
const refused = [
  '',
  '.',
  'a..b',
  '-a.com',
  'a-.com',
  'GitHub.com',
  'github.com.',
  'bücher.example',
  'a b',
  'a/b',
  'user@host',
  'host:80',
  '*.',
  '*.*.com',
  'a.*.com',
  '*',
  '127.1',
  '0x7f.1',
  '0177.0.0.1',
  '2130706433',
  '256.1.1.1',
  '1.2.3.4.5',
  '*.0.0.1',
  '*.1',
  'a.0x1',
  '[::1',
  '::1',
  '[::ffff:127.0.0.1]',
  '[2001:DB8::1]',
  '[2001:db8:0:0:0:0:0:1]',
  '[0:0:0:0:0:0:0:0]',
  '[::01]',
  '[fe80::1%eth0]',
  '[1::2::3]',
  '[1:2:3:4:5:6:7:8:9]',
  '[12345::]',
  '[2001:db8::1:1:1:1:1]',
  `${'a'.repeat(64)}.com`,
  `${'a.'.repeat(127)}aa`,
];

test('a host has one canonical spelling', () => {
  for (const host of accepted) assert.equal(isCanonicalHost(host), true, host);
  for (const host of refused) assert.equal(isCanonicalHost(host), false, host);
});

test('every literal address is canonical exactly as the URL standard writes it', () => {
  const literals = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    fc
      .array(fc.constantFrom('0', '1', 'ffff', 'a0'), { minLength: 8, maxLength: 8 })
      .map((groups) => `[${groups.join(':')}]`),
  );
  fc.assert(
    fc.property(literals, (literal) => {
      const written = new URL(`http://${literal}/`).hostname;
      assert.equal(isCanonicalHost(written), true, written);
      assert.equal(isCanonicalHost(literal), literal === written, literal);
    }),
  );
});

test('any text is judged without an exception, and what is accepted is what a URL makes of it', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('a', '0', 'x', '.', '-', '*', '[', ']', ':', 'F', '1'), maxLength: 20 }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      if (!isCanonicalHost(text) || text.startsWith('*.')) return;
      const url = URL.parse(`http://${text}/`);
      // Labels such as a bad `xn--` are no URL at all, so nothing can ask for them.
      if (url) assert.equal(url.hostname, text);
    }),
    { numRuns: 2000 },
  );
});
