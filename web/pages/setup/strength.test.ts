import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strengthOf } from './strength.ts';

test('a short password says how much is missing', () => {
  assert.deepEqual(strengthOf('abcdefg', []), { level: 0, hint: '1 more character at least' });
});

test('overused and own words are worth nothing', () => {
  assert.equal(strengthOf('Password1234!', []).level, 0);
  assert.equal(strengthOf('rosalind-2026', ['Rosalind Franklin']).level, 1);
});

test('several words are strong, repetition is not', () => {
  assert.equal(strengthOf('harbour oxide lantern', []).level, 3);
  assert.equal(strengthOf('aaaaaaaaaaaaaaaa', []).level, 1);
});
