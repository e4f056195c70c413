import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCursor, parseCursor, toPage } from '#database/page.ts';

test('a cursor comes back as the position it was made from', () => {
  fc.assert(
    fc.property(fc.nat(4_000_000_000_000), fc.stringMatching(/^[a-z2-7]{20}$/), (time, id) => {
      const position = { createdAt: new Date(time), id };
      assert.deepEqual(parseCursor(formatCursor(position)), position);
    }),
  );
});

test('anything else is refused as a request that is not valid', () => {
  for (const cursor of [
    '',
    'x',
    '%00',
    Buffer.from('1').toString('base64url'),
    Buffer.from("1.a' or 1").toString('base64url'),
  ]) {
    assert.throws(() => parseCursor(cursor), { code: 'invalid_request' });
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (cursor) => {
      try {
        parseCursor(cursor);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid_request');
      }
    }),
  );
});

test('a page ends without a cursor when nothing follows', () => {
  const rows = [1, 2, 3].map((index) => ({ createdAt: new Date(index), id: `id${index}` }));
  assert.equal(toPage(rows, 3).cursor, null);
  const cut = toPage(rows, 2);
  assert.deepEqual(cut.items, rows.slice(0, 2));
  assert.deepEqual(cut.cursor && parseCursor(cut.cursor), rows[1]);
});
