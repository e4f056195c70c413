import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Person, SignInMethod } from '#identity/methods/method.ts';

/** What every way to sign in must do. */
export function testSignInMethod(
  method: SignInMethod,
  of: { readonly person: Person; readonly proof: string; readonly wrong: readonly string[] },
): void {
  test(`${method.name}: the right proof proves`, async () => {
    const stored = await method.enrol(of.person, of.proof);
    assert.deepEqual(await method.prove(stored, of.proof), { proven: true, renewed: null });
  });

  test(`${method.name}: a wrong proof does not`, async () => {
    const stored = await method.enrol(of.person, of.proof);
    for (const wrong of of.wrong) assert.equal((await method.prove(stored, wrong)).proven, false, wrong.slice(0, 20));
  });

  test(`${method.name}: nobody is proven without a stored credential, whatever is sent`, async () => {
    for (const proof of [of.proof, ...of.wrong]) {
      assert.deepEqual(await method.prove(null, proof), { proven: false, renewed: null });
    }
  });

  test(`${method.name}: what is stored never repeats and does not hold the proof`, async () => {
    const one = await method.enrol(of.person, of.proof);
    const two = await method.enrol(of.person, of.proof);
    assert.notEqual(one, two);
    assert.ok(!one.includes(of.proof));
  });

  test(`${method.name}: a stored credential that was altered is an error, not an answer`, async () => {
    for (const altered of ['', 'x', '$2b$10$abc', '$argon2i$v=19$m=65536,t=3,p=1$AAAA$AAAA']) {
      await assert.rejects(method.prove(altered, of.proof), TypeError);
    }
  });
}
