import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputRate } from '#terminals/input-rate.ts';

test('typing is never held back', () => {
  const rate = new InputRate(0);
  for (let key = 0; key < 10_000; key += 1) assert.equal(rate.take(2, key * 5), 0);
});

test('a megabyte may come at once, and what follows waits until it is paid for', () => {
  const rate = new InputRate(0);
  for (let piece = 0; piece < 16; piece += 1) assert.equal(rate.take(65_536, 0), 0);
  const delay = rate.take(65_536, 0);
  assert.equal(delay, 250);
  assert.equal(rate.take(1, 251), 0);
  assert.equal(rate.take(1000, 251), 3);
});

test('a flood of tiny frames is slowed too', () => {
  const rate = new InputRate(0);
  let delay = 0;
  for (let frame = 0; frame < 2000; frame += 1) delay = rate.take(1, 0);
  assert.equal(delay, 2500);
});
