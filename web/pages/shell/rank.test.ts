import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rank } from './rank.ts';

const names = ['Workspaces', 'Settings', 'New workspace…', 'Dark theme'];
const find = (query: string) => rank(names, query, (name) => name);

test('an empty query keeps everything in order', () => {
  assert.deepEqual(find('  '), names);
});

test('a word at its beginning comes before one in the middle', () => {
  assert.deepEqual(find('work'), ['Workspaces', 'New workspace…']);
});

test('letters in order are enough, and a missing one excludes', () => {
  assert.deepEqual(find('dkth'), ['Dark theme']);
  assert.deepEqual(find('zz'), []);
});
