import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endToEndHeaders } from '#broker/header-list.ts';

test('fields about the connection go, and those that Connection names', () => {
  const list = [
    'A',
    '1',
    'Connection',
    'keep-alive, X-Hop ,a-b',
    'x-hop',
    '2',
    'A-B',
    '3',
    'Transfer-Encoding',
    'chunked',
  ];
  assert.deepEqual(endToEndHeaders([...list, 'Keep-Alive', 'x', 'TE', 'y', 'Upgrade', 'z', 'a', '4']), [
    'A',
    '1',
    'a',
    '4',
  ]);
});

test('dropped names are matched without case, and order and duplicates are kept', () => {
  const list = ['Cookie', '1', 'X', 'a', 'AUTHORIZATION', '2', 'x', 'b'];
  assert.deepEqual(endToEndHeaders(list, new Set(['cookie', 'authorization'])), ['X', 'a', 'x', 'b']);
});
