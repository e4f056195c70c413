import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellWidth, letterSpacing } from './cell.ts';

test('a cell is as wide as the font asks, to the nearest device pixel', () => {
  assert.equal(cellWidth(13, 1), 8);
  assert.equal(cellWidth(13, 2), 8);
  assert.equal(cellWidth(12, 1), 7);
  assert.equal(letterSpacing(12, 1), 0);
});
