import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileEntry } from '#contract/warden.ts';
import { childPath, entryName, sortEntries } from './tree-order.ts';

const entry = (name: string, type: FileEntry['type'] = 'file'): FileEntry => ({
  name,
  type,
  encoding: 'utf8',
  size: 0,
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  modifiedMs: 0,
});

test('folders come first and numbers count', () => {
  const names = sortEntries([entry('b10'), entry('b9'), entry('z', 'directory'), entry('A')]).map(({ name }) => name);
  assert.deepEqual(names, ['z', 'A', 'b9', 'b10']);
});

test('paths are relative to the top', () => {
  assert.equal(childPath('.', entry('src')), 'src');
  assert.equal(childPath('src/a', entry('b.ts')), 'src/a/b.ts');
});

test('a name that is not UTF-8 is shown with replacement characters', () => {
  assert.equal(entryName({ name: btoa('a\u00ff'), encoding: 'base64' }), 'a\ufffd');
});
