import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileKind } from './file-kind.ts';

test('text is UTF-8 without NUL, all else is binary', () => {
  assert.deepEqual(fileKind(new TextEncoder().encode('é\n')), { kind: 'text', text: 'é\n' });
  assert.deepEqual(fileKind(Uint8Array.of(0x61, 0)), { kind: 'binary' });
  assert.deepEqual(fileKind(Uint8Array.of(0xff, 0xfe)), { kind: 'binary' });
  assert.deepEqual(fileKind(new Uint8Array()), { kind: 'empty' });
});
