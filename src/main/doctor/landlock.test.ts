import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeLandlock } from '#main/doctor/kernel.ts';

test('H4 a kernel without Landlock, or with an old one, is said to be one', () => {
  assert.equal(judgeLandlock(7).verdict, 'ok');
  assert.match(judgeLandlock(5).saw, /version 5 does not know abstract sockets and signals/);
  assert.match(judgeLandlock(1).saw, /does not know TCP ports/);
  assert.equal(judgeLandlock(0).verdict, 'warn');
  assert.match(judgeLandlock(0).saw, /^not there/);
});
