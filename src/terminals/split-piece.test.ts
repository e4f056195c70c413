import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitPiece } from '#terminals/split-piece.ts';

test('a piece is cut where it was asked, and nothing of it is lost or moved', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(1100), (offset, bytes, at) => {
      const parts = splitPiece({ offset, bytes }, at);
      assert.deepEqual(Buffer.concat(parts.map((part) => part.bytes)), Buffer.from(bytes));
      let next = offset;
      for (const part of parts) {
        assert.equal(part.offset, next);
        assert.ok(part.bytes.length > 0);
        next += part.bytes.length;
      }
      if (at > offset && at <= offset + bytes.length) {
        assert.ok(parts.some((part) => part.offset + part.bytes.length === at));
      }
    }),
  );
});
