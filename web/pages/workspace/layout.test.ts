import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLayout } from './layout.ts';

test('a layout survives being stored', () => {
  const layout = { terminals: ['a'], files: ['src/x.ts'], active: { kind: 'file', path: 'src/x.ts' } } as const;
  assert.deepEqual(parseLayout(JSON.stringify(layout)), layout);
});

test('what is not a layout is as if there were none', () => {
  const empty = { terminals: [], files: [], active: { kind: 'start' } };
  for (const text of [null, '', '{', 'null', '7', '{"terminals":3,"files":[1],"active":{"kind":"terminal"}}']) {
    assert.deepEqual(parseLayout(text), empty);
  }
});
