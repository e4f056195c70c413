import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CasemateError } from '#contract/errors.ts';
import { guestPathBytes, splitPath } from '#warden/files/guest-path.ts';

const utf8 = (path: string): string => guestPathBytes({ path, encoding: 'utf8' }).toString('utf8');

test('a path loses what says nothing, and keeps the rest', () => {
  assert.equal(utf8('/'), '/');
  assert.equal(utf8('//a///b/./c/'), '/a/b/c');
  assert.equal(utf8('/a/..b/...'), '/a/..b/...');
  assert.deepEqual(
    guestPathBytes({ path: Buffer.from('/\xff', 'latin1').toString('base64'), encoding: 'base64' }),
    Buffer.from('/\xff', 'latin1'),
  );
});

test('a path that is relative, climbs, holds NUL or is too long is refused', () => {
  for (const path of ['a', './a', '/a/../b', '/..', '/a\0', `/${'a'.repeat(256)}`, '/a'.repeat(2048), '/\ud800']) {
    assert.throws(() => utf8(path), { code: 'invalid_path' }, JSON.stringify(path.slice(0, 20)));
  }
  for (const path of ['L', 'L2E', 'L2E=x', '!']) {
    assert.throws(() => guestPathBytes({ path, encoding: 'base64' }), { code: 'invalid_path' });
  }
});

test('whatever comes in, what goes out is absolute and clean, or it is refused', () => {
  const part = fc.constantFrom('..', '.', '', 'a', '\0', 'é', '/', '\\', ' ', '...');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part).map((parts) => `/${parts.join('/')}`),
      ),
      (path) => {
        try {
          const bytes = guestPathBytes({ path, encoding: 'utf8' });
          assert.ok(bytes[0] === 0x2f && !bytes.includes(0));
          const parts = bytes.toString('utf8').split('/').slice(1);
          assert.ok(bytes.length === 1 || parts.every((name) => name !== '' && name !== '.' && name !== '..'));
          assert.deepEqual(guestPathBytes({ path: bytes.toString('utf8'), encoding: 'utf8' }), bytes);
          if (bytes.length > 1) {
            const { parent, name } = splitPath(bytes);
            assert.ok(!name.includes(0x2f) && name.length > 0 && parent[0] === 0x2f);
          }
        } catch (error) {
          if (!(error instanceof CasemateError && error.code === 'invalid_path')) throw error;
        }
      },
    ),
  );
});
