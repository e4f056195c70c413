import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createVault } from '#vault/create-vault.ts';
import { credentialKeys } from '#vault/credential-keys.ts';
import { environmentKeys } from '#vault/environment-keys.ts';
import { fileKeys } from '#vault/file-keys.ts';
import { formatKeyText, parseKeyText } from '#vault/key-text.ts';
import { sealedOverheadBytes } from '#vault/record.ts';
import type { SealedPlace } from '#vault/vault.ts';

const first = { id: 1, bytes: randomBytes(32) };
const second = { id: 2, bytes: randomBytes(32) };
const lookup = randomBytes(32);
const vault = createVault({ sealing: [first], lookup });
const place: SealedPlace = { table: 'terminals', column: 'recording_private_key', rowId: 'row', team: 'team' };
const refused = { code: 'internal' };

test('what is sealed opens again in its place, at 65 bytes more', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), fc.string(), fc.string(), (plaintext, rowId, team) => {
      const sealed = vault.seal({ ...place, rowId, team }, plaintext);
      assert.equal(sealed.length, plaintext.length + 65);
      assert.equal(sealedOverheadBytes, 65);
      assert.deepEqual(vault.open({ ...place, rowId, team }, sealed), Buffer.from(plaintext));
    }),
  );
});

test('a value opens in no other place, not even where the names run together', () => {
  const sealed = vault.seal(place, Buffer.from('value'));
  for (const other of [
    { ...place, table: 'secrets' },
    { ...place, column: 'sealed' },
    { ...place, rowId: 'other' },
    { ...place, team: 'other' },
    { ...place, table: 'terminalsr', column: 'ecording_private_key' },
    { ...place, rowId: 'rowt', team: 'eam' },
  ]) {
    assert.throws(() => vault.open(other, sealed), refused);
  }
});

test('a value that was cut or changed at any byte does not open', () => {
  const sealed = vault.seal(place, Buffer.from('a secret'));
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => vault.open(place, sealed.subarray(0, length)), refused);
  }
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    assert.throws(() => vault.open(place, changed), refused);
  }
  assert.throws(() => vault.open(place, Buffer.concat([sealed, Buffer.alloc(1)])), refused);
});

test('a wrong key under the right id does not open, and a key that is gone says so', () => {
  const sealed = vault.seal(place, Buffer.from('value'));
  const wrong = createVault({ sealing: [{ id: 1, bytes: randomBytes(32) }], lookup });
  assert.throws(() => wrong.open(place, sealed), refused);
  const without = createVault({ sealing: [second], lookup });
  assert.throws(() => without.open(place, sealed), /does not have/);
});

test('a new key seals from now on, the old one opens until it retires', () => {
  const old = vault.seal(place, Buffer.from('value'));
  const rotated = createVault({ sealing: [second, first], lookup });
  assert.equal(rotated.open(place, old).toString(), 'value');
  assert.equal(rotated.needsReseal(old), true);
  const fresh = rotated.seal(place, rotated.open(place, old));
  assert.equal(rotated.needsReseal(fresh), false);
  assert.equal(
    createVault({ sealing: [second], lookup })
      .open(place, fresh)
      .toString(),
    'value',
  );
});

test('look-up digests differ by purpose and survive a rotation', () => {
  const digest = vault.lookup('audit-field', 'a@example.test');
  assert.equal(digest.length, 32);
  assert.notDeepEqual(digest, vault.lookup('login-limit', 'a@example.test'));
  assert.deepEqual(digest, createVault({ sealing: [second], lookup }).lookup('audit-field', 'a@example.test'));
  assert.notDeepEqual(
    digest,
    createVault({ sealing: [first], lookup: randomBytes(32) }).lookup('audit-field', 'a@example.test'),
  );
});

test('keys of the wrong number, size or id are refused', () => {
  assert.throws(() => createVault({ sealing: [], lookup }));
  assert.throws(() => createVault({ sealing: [first, { ...second, id: 1 }], lookup }), /same id/);
  assert.throws(() => createVault({ sealing: [{ id: 1, bytes: randomBytes(16) }], lookup }), /32 bytes/);
  assert.throws(() => createVault({ sealing: [{ id: 0, bytes: randomBytes(32) }], lookup }), /out of range/);
  assert.throws(() => createVault({ sealing: [first], lookup: randomBytes(31) }), /look-up key/);
});

test('the key file is made once, 0600, and read again', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'casemate-vault-'));
  t.after(() => rm(directory, { recursive: true }));
  const loaded = await Promise.all([1, 2, 3].map(() => fileKeys(directory).load()));
  for (const keys of loaded) assert.deepEqual(keys, loaded[0]);
  const path = join(directory, 'vault.keys');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(
    await environmentKeys('KEYS', (await readFile(path, 'utf8')).replaceAll('\n', ',')).load(),
    loaded[0],
  );
  assert.deepEqual(await credentialKeys(directory, 'vault.keys').load(), loaded[0]);
  await chmod(path, 0o640);
  await assert.rejects(fileKeys(directory).load(), /read by others/);
});

test('a key file that is a link or not of keys is refused, without its content in the message', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'casemate-vault-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'vault.keys');
  await symlink('/etc/hostname', path);
  await assert.rejects(fileKeys(directory).load(), { code: 'ELOOP' });
  await rm(path);
  await writeFile(path, '1:not-a-key-but-private', { mode: 0o600 });
  await assert.rejects(fileKeys(directory).load(), (error: Error) => !error.message.includes('private'));
});

test('key text comes back as it was', () => {
  const keys = { sealing: [first, second], lookup };
  assert.deepEqual(parseKeyText(formatKeyText(keys), 'test'), keys);
});
