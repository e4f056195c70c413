import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsGuard, pasteFacts } from './paste.ts';

test('one line passes; several lines, a final newline and control characters are asked about', () => {
  assert.equal(needsGuard('git status'), false);
  assert.equal(needsGuard('a\tb'), false);
  assert.equal(needsGuard('rm -rf x\n'), true);
  assert.equal(needsGuard('a\nb'), true);
  assert.equal(needsGuard('a\r\nb'), true);
  assert.equal(needsGuard('a\u001b[201~b'), true);
  assert.equal(needsGuard('x'.repeat(5001)), true);
});

test('lines are counted whatever ends them', () => {
  assert.deepEqual(pasteFacts('a\r\nb\rc\nd'), { lines: 4, characters: 7, controls: false });
});
