import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDestination } from '#broker/destination.ts';
import { Refusal } from '#broker/refusal.ts';

const accepted: readonly [text: string, host: string, port: number, literal: string | null][] = [
  ['GitHub.COM:443', 'github.com', 443, null],
  ['github.com.:443', 'github.com', 443, null],
  ['bücher.example:80', 'xn--bcher-kva.example', 80, null],
  ['BÜCHER.example:80', 'xn--bcher-kva.example', 80, null],
  ['ｇithub.com:443', 'github.com', 443, null],
  ['github。com:443', 'github.com', 443, null],
  ['_srv.example.com:1', '_srv.example.com', 1, null],
  ['127.0.0.1:65535', '127.0.0.1', 65_535, '127.0.0.1'],
  ['127.1:80', '127.0.0.1', 80, '127.0.0.1'],
  ['0x7f.1:80', '127.0.0.1', 80, '127.0.0.1'],
  ['0x7f000001:80', '127.0.0.1', 80, '127.0.0.1'],
  ['0177.0.0.1:80', '127.0.0.1', 80, '127.0.0.1'],
  ['2130706433:80', '127.0.0.1', 80, '127.0.0.1'],
  ['127.0.0.1.:80', '127.0.0.1', 80, '127.0.0.1'],
  ['１２７.0.0.1:80', '127.0.0.1', 80, '127.0.0.1'],
  ['[::1]:80', '[::1]', 80, '::1'],
  ['[0:0:0:0:0:0:0:1]:80', '[::1]', 80, '::1'],
  ['[2001:DB8::1]:80', '[2001:db8::1]', 80, '2001:db8::1'],
  ['[::ffff:127.0.0.1]:80', '[::ffff:7f00:1]', 80, '::ffff:7f00:1'],
];

const refused = [
  '',
  ':443',
  'github.com',
  'github.com:',
  'github.com:0',
  'github.com:65536',
  'github.com:443443',
  'github.com:4 3',
  'github.com:+443',
  'github.com:0x1bb',
  'user@github.com:443',
  'user:pass@github.com:443',
  'github.com:443@evil.example:80',
  'http://github.com:443',
  'github.com/..:443',
  'github.com\\evil:443',
  'github.com?x:443',
  'github.com#x:443',
  'git%68ub.com:443',
  'github.com\r\nHost: evil:443',
  'github.com\t:443',
  'github.com\0:443',
  ' github.com:443',
  '..:443',
  'a..b:443',
  'github.com..:443',
  '-github.com:443',
  '*.github.com:443',
  '::1:80',
  '[::1:80',
  '[fe80::1%eth0]:80',
  '[fe80::1%25eth0]:80',
  '[v1.a]:80',
  '1.2.3.256:80',
  '1.2.3.4.5:80',
  '0x1ffffffff:80',
  `${'a'.repeat(64)}.example:80`,
  `${'a.'.repeat(140)}example:80`,
  'exa mple.com:80',
  'xn--.example:80',
];

test('H13 every spelling of a destination becomes the one that rules name', () => {
  for (const [text, host, port, literal] of accepted) {
    assert.deepEqual(parseDestination(text), { host, port, literal }, text);
  }
});

test('H13 what is not exactly a host and a port is refused', () => {
  for (const text of refused) {
    assert.throws(
      () => parseDestination(text),
      (error) => error instanceof Refusal && error.status === 400,
      text,
    );
  }
});

test('a port is taken from the default only when there is one', () => {
  assert.equal(parseDestination('github.com', 80).port, 80);
  assert.equal(parseDestination('github.com:8080', 80).port, 8080);
  assert.throws(() => parseDestination('github.com'), Refusal);
});

test('any text is either a canonical destination or a refusal', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('a', '0', 'x', '.', ':', '[', ']', '1', '@', '%', 'é', '8') }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const { host, port } = parseDestination(text);
        assert.deepEqual(parseDestination(`${host}:${port}`).host, host);
        assert.match(host, /^[a-z0-9._[\]:-]+$/);
      } catch (error) {
        assert.ok(error instanceof Refusal);
      }
    }),
    { numRuns: 3000 },
  );
});
