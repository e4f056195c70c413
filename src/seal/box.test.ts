import assert from 'node:assert/strict';
import test from 'node:test';
import type { TeamId } from '#base/ids.ts';
import type { SecretDescription } from '#contract/broker.ts';
import { boxSharedKey, generateBoxKeyPair, openBox, sealBox } from '#seal/box.ts';
import { openSecret, sealSecret } from '#seal/secret.ts';

const aad = Buffer.from('row 1');

test('a box opens with its private key, label and AAD only', () => {
  const pair = generateBoxKeyPair();
  const sealed = sealBox(pair.publicKey, Buffer.from('value'), 'a', aad);
  assert.equal(openBox(pair.privateKey, sealed, 'a', aad).toString(), 'value');
  assert.throws(() => openBox(generateBoxKeyPair().privateKey, sealed, 'a', aad));
  assert.throws(() => openBox(pair.privateKey, sealed, 'b', aad));
  assert.throws(() => openBox(pair.privateKey, sealed, 'a', Buffer.from('row 2')));
});

test('every changed or missing byte of a box is refused', () => {
  const pair = generateBoxKeyPair();
  const sealed = sealBox(pair.publicKey, Buffer.from('value'), 'a', aad);
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] as number) ^ 1;
    assert.throws(() => openBox(pair.privateKey, changed, 'a', aad), `byte ${at}`);
    assert.throws(() => openBox(pair.privateKey, sealed.subarray(0, at), 'a', aad), `length ${at}`);
  }
});

test('both sides of an exchange derive one key, and a public key of low order is refused', () => {
  const one = generateBoxKeyPair();
  const two = generateBoxKeyPair();
  assert.deepEqual(boxSharedKey(one.privateKey, two.publicKey), boxSharedKey(two.privateKey, one.publicKey));
  assert.throws(() => boxSharedKey(one.privateKey, Buffer.alloc(32)));
});

test('H11 a secret cannot be moved to another team, host, kind or user name', () => {
  const broker = generateBoxKeyPair();
  const description: SecretDescription = {
    teamId: 'aaaaaaaaaaaaaaaaaaaa' as TeamId,
    name: 'anthropic',
    kind: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    userName: '',
  };
  const sealed = sealSecret(broker.publicKey, description, 'sk-1');
  assert.equal(openSecret(broker.privateKey, description, sealed), 'sk-1');
  const moved: SecretDescription[] = [
    { ...description, teamId: 'bbbbbbbbbbbbbbbbbbbb' as TeamId },
    { ...description, baseUrl: 'https://elsewhere.example' },
    { ...description, kind: 'openai' },
    { ...description, userName: 'x' },
  ];
  for (const other of moved) assert.throws(() => openSecret(broker.privateKey, other, sealed));
});
