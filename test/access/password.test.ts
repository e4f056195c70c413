import assert from 'node:assert/strict';
import { argon2Sync } from 'node:crypto';
import { test } from 'node:test';
import { testSignInMethod } from '#identity/methods/method.suite.ts';
import { createPasswordMethod } from '#identity/methods/password.ts';
import { assertStrongPassword } from '#identity/methods/password-strength.ts';

const person = { email: 'grace.hopper@example.org', name: 'Grace Hopper' };
const proof = 'umbrella-tadpole-seventeen-copper';

testSignInMethod(createPasswordMethod(), {
  person,
  proof,
  wrong: ['', ' ', `${proof} `, proof.toUpperCase(), proof.slice(0, -1), '\0', 'ü'.repeat(100)],
});

test('a password is the same however its accents are typed', async () => {
  const method = createPasswordMethod();
  const stored = await method.enrol(person, 'crème-brûlée-über-alles-42');
  assert.ok((await method.prove(stored, 'crème-brûlée-über-alles-42'.normalize('NFD'))).proven);
});

test('a hash of weaker parameters is renewed once the password is proven', async () => {
  const salt = Buffer.alloc(16, 7);
  const tag = argon2Sync('argon2id', {
    message: Buffer.from(proof),
    nonce: salt,
    memory: 8192,
    passes: 1,
    parallelism: 1,
    tagLength: 32,
  });
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
  const stored = `$argon2id$v=19$m=8192,t=1,p=1$${base64(salt)}$${base64(tag)}`;
  const method = createPasswordMethod();
  const { proven, renewed } = await method.prove(stored, proof);
  assert.ok(proven);
  assert.match(renewed ?? '', /^\$argon2id\$v=19\$m=65536,t=3,p=1\$/);
  assert.equal((await method.prove(stored, 'wrong')).renewed, null);
});

test('no more are computed at once than there is memory for, and the rest wait or are refused', async () => {
  const method = createPasswordMethod({ concurrency: 1, queue: 1 });
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => method.prove(null, proof)));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  );
});

test('passwords that are easy to guess are refused, with advice that repeats nothing of them', async () => {
  const weak = [
    'short',
    '14-characters!',
    'passwordpassword',
    'aaaaaaaaaaaaaaaaaaaaaaaa',
    '123456789012345',
    'qwertyuiopasdfgh',
    'gracehopper12345',
    'grace.hopper@example.org',
    'casemate-casemate',
    'Grace Hopper Grace',
  ];
  for (const password of weak) {
    await assert.rejects(
      assertStrongPassword(password, person),
      (error: Error & { code?: string }) => error.code === 'weak_password' && !error.message.includes(password),
      password,
    );
  }
});

test('long random passwords and phrases are accepted', async () => {
  for (const password of [
    proof,
    'correct horse battery staple',
    'k3$Vq!9zLp2@Wm7x',
    '鍵はここにはありません本当にない',
    'x9Q!'.repeat(1) + proof.repeat(7),
  ]) {
    await assert.doesNotReject(assertStrongPassword(password, person), password);
  }
});

test('the longest password that is accepted takes no longer to judge than a blink', async () => {
  const start = performance.now();
  try {
    await assertStrongPassword('@4!1l0$5'.repeat(32), person);
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'weak_password');
  }
  assert.ok(performance.now() - start < 1_500, `${performance.now() - start} ms`);
});
