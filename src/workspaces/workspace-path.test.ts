import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CasemateError } from '#contract/errors.ts';
import { parseWorkspacePath } from '#workspaces/workspace-path.ts';

test('plain relative paths lead below the workspace, whatever characters they have', () => {
  for (const path of ['a', 'src/main.ts', '-rf', ' ', 'größe/😀', '...', '.git/config', 'a\nb', 'a\\..\\b', '%2e%2e']) {
    assert.equal(parseWorkspacePath({ path, encoding: 'utf8' }).guest.path, `/home/user/workspace/${path}`);
  }
  assert.equal(parseWorkspacePath({ path: '.', encoding: 'utf8' }).guest.path, '/home/user/workspace');
  const bytes = Buffer.from([0x61, 0x2f, 0xff]);
  const raw = parseWorkspacePath({ path: bytes.toString('base64'), encoding: 'base64' });
  assert.deepEqual(Buffer.from(raw.guest.path, 'base64'), Buffer.concat([Buffer.from('/home/user/workspace/'), bytes]));
});

test('everything else is an error of the caller', () => {
  const hostile = ['', '/', '/etc', '..', '../a', 'a/..', 'a/../b', 'a//b', 'a/', './a', 'a/.', 'a\0b', '\ud800'];
  for (const path of [...hostile, 'x'.repeat(256), 'x/'.repeat(2500)]) {
    assert.throws(() => parseWorkspacePath({ path, encoding: 'utf8' }), { code: 'invalid_path' }, JSON.stringify(path));
    const encoded = { path: Buffer.from(path).toString('base64'), encoding: 'base64' } as const;
    if (path.isWellFormed()) assert.throws(() => parseWorkspacePath(encoded), { code: 'invalid_path' });
  }
  for (const path of ['!', 'YQ', 'YQ==\n', 'Y Q=']) {
    assert.throws(() => parseWorkspacePath({ path, encoding: 'base64' }), { code: 'invalid_path' });
  }
});

test('no bytes lead out of the workspace', () => {
  const part = fc.oneof(fc.constantFrom('..', '.', '', '/', 'a'), fc.string({ unit: 'binary', maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom('/', ''), (parts, joint) => {
      try {
        const { guest } = parseWorkspacePath({ path: parts.join(joint), encoding: 'utf8' });
        const normal = new URL(`file://${encodeURI(guest.path).replace(/[?#]/g, '_')}`).pathname;
        assert.ok(`${normal}/`.startsWith('/home/user/workspace/'), guest.path);
        assert.ok(!guest.path.split('/').includes('..'));
      } catch (error) {
        if (!(error instanceof CasemateError)) throw error;
        assert.equal(error.code, 'invalid_path');
      }
    }),
  );
});
