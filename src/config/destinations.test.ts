import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aptSourceUrls, destinationOfUrl, fixedDestinations, mergeDestinations } from '#config/destinations.ts';
import { destinationSchema } from '#contract/policy.ts';

test('the fixed sets hold valid destinations', () => {
  for (const destination of Object.values(fixedDestinations).flat()) destinationSchema.parse(destination);
});

test('a URL becomes its host and port', () => {
  assert.deepEqual(destinationOfUrl('https://mirror.example/debian'), { host: 'mirror.example', ports: [443] });
  assert.deepEqual(destinationOfUrl('http://mirror.example:8081/x'), { host: 'mirror.example', ports: [8081] });
  assert.equal(destinationOfUrl('file:///srv/debian'), null);
  assert.equal(destinationOfUrl('cdrom:[Debian]'), null);
});

test('both forms of APT sources are read, and disabled ones are not', () => {
  const text = [
    'deb [signed-by=/x.gpg] http://one.example/debian bookworm main',
    '# deb http://commented.example/ bookworm main',
    'deb-src https://two.example/debian bookworm main',
    '',
    'Types: deb',
    'URIs: https://three.example/debian https://four.example/debian',
    'Suites: trixie',
    '',
    'Enabled: no',
    'URIs: https://off.example/debian',
  ].join('\n');
  assert.deepEqual(aptSourceUrls(text), [
    'http://one.example/debian',
    'https://two.example/debian',
    'https://three.example/debian',
    'https://four.example/debian',
  ]);
});

test('destinations of one host are merged', () => {
  const merged = mergeDestinations([
    { host: 'a.example', ports: [443] },
    { host: 'a.example', ports: [80, 443] },
  ]);
  assert.deepEqual(merged, [{ host: 'a.example', ports: [80, 443] }]);
});
