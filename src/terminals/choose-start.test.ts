import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundaryIn } from '#terminals/choose-start.ts';

test('a late viewer begins after a line’s end, or at least not inside a character', () => {
  assert.equal(boundaryIn(Buffer.from('rest\nnext')), 5);
  assert.equal(boundaryIn(Buffer.from('😀abc').subarray(1)), 3);
  assert.equal(boundaryIn(Buffer.from('abc')), 0);
  assert.equal(boundaryIn(new Uint8Array()), 0);
});
