import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrowSequence, withModifiers } from './keys.ts';

const none = { ctrl: false, alt: false };

test('arrows follow the cursor key mode and the modifiers', () => {
  assert.equal(arrowSequence('up', false, none), '\u001b[A');
  assert.equal(arrowSequence('up', true, none), '\u001bOA');
  assert.equal(arrowSequence('left', true, { ctrl: true, alt: false }), '\u001b[1;5D');
  assert.equal(arrowSequence('right', false, { ctrl: true, alt: true }), '\u001b[1;7C');
});

test('a held Ctrl turns a letter into its control character', () => {
  assert.equal(withModifiers('c', { ctrl: true, alt: false }), '\u0003');
  assert.equal(withModifiers('[', { ctrl: true, alt: false }), '\u001b');
  assert.equal(withModifiers(' ', { ctrl: true, alt: false }), '\0');
  assert.equal(withModifiers('b', { ctrl: false, alt: true }), '\u001bb');
  assert.equal(withModifiers('é', { ctrl: true, alt: false }), 'é');
});

test('text of several characters is not changed', () => {
  assert.equal(withModifiers('ls', { ctrl: true, alt: true }), 'ls');
});
