import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aptEntries, aptLine } from '#main/template/apt-sources.ts';

test('the one-line form is read with its options, and source archives are not', () => {
  const entries = aptEntries(
    'deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main contrib # note\ndeb-src http://a.example/debian bookworm main\n',
  );
  assert.deepEqual(entries, [
    { url: 'http://a.example/debian', suite: 'bookworm', components: ['main', 'contrib'], signedBy: '/k.gpg' },
  ]);
  assert.equal(aptLine(entries[0]!), 'deb [signed-by=/k.gpg] http://a.example/debian bookworm main contrib');
});

test('a stanza is read for each of its suites, and a disabled one is not', () => {
  const text = [
    'Types: deb deb-src',
    '# URIs: http://commented.example/',
    'URIs: http://a.example/debian',
    'Suites: trixie trixie-updates',
    'Components: main',
    'Signed-By: /k.gpg',
    '',
    'Types: deb',
    'Enabled: no',
    'URIs: http://b.example/debian',
    'Suites: trixie',
    'Components: main',
  ].join('\n');
  assert.deepEqual(
    aptEntries(text).map((entry) => [entry.url, entry.suite, entry.signedBy]),
    [
      ['http://a.example/debian', 'trixie', '/k.gpg'],
      ['http://a.example/debian', 'trixie-updates', '/k.gpg'],
    ],
  );
});
