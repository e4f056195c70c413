import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#base/clock.ts';
import { parseDestination } from '#broker/destination.ts';
import { Refusal } from '#broker/refusal.ts';
import { createResolver } from '#broker/resolve.ts';

const refusedWith =
  (status: number, reason: RegExp) =>
  (error: unknown): boolean =>
    error instanceof Refusal && error.status === status && reason.test(error.reason);

function resolver(answers: Readonly<Record<string, readonly (readonly string[])[]>>, exceptions: string[] = []) {
  const asked: string[] = [];
  let now = 0;
  const clock: Clock = { now: () => now };
  const made = createResolver({
    clock,
    ownAddresses: () => ['198.41.0.4'],
    exceptions: exceptions.map((text) => parseDestination(text)),
    timeoutMs: 30,
    lookup: async (name) => {
      const turns = answers[name];
      const turn = asked.filter((other) => other === name).length;
      asked.push(name);
      const found = turns?.[Math.min(turn, turns.length - 1)];
      if (!found) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
      return found;
    },
  });
  return { resolve: (text: string) => made.resolve(parseDestination(text)), asked, wait: (ms: number) => (now += ms) };
}

test('H13 only public addresses of a name are dialled', async () => {
  const { resolve } = resolver({
    'public.example': [['8.8.8.8', '2606:4700::1111']],
    'mixed.example': [['127.0.0.1', '8.8.8.8', '::1', '198.41.0.4']],
    'private.example': [['10.0.0.1', 'fd00::1']],
    'own.example': [['198.41.0.4']],
    'none.example': [[]],
  });
  assert.deepEqual(await resolve('public.example:443'), ['8.8.8.8', '2606:4700::1111']);
  assert.deepEqual(await resolve('mixed.example:443'), ['8.8.8.8']);
  await assert.rejects(resolve('private.example:443'), refusedWith(403, /address guard: private/));
  await assert.rejects(resolve('own.example:443'), refusedWith(403, /this host/));
  await assert.rejects(resolve('none.example:443'), Refusal);
  await assert.rejects(resolve('missing.example:443'), refusedWith(502, /does not resolve/));
});

test('H13 a name that is rebound to a private address is refused, however soon', async () => {
  const { resolve, wait } = resolver({ 'rebind.example': [['8.8.8.8'], ['127.0.0.1']] });
  assert.deepEqual(await resolve('rebind.example:80'), ['8.8.8.8']);
  // Within the remembered time the first answer holds, which was checked.
  assert.deepEqual(await resolve('rebind.example:80'), ['8.8.8.8']);
  wait(60_000);
  await assert.rejects(resolve('rebind.example:80'), refusedWith(403, /loopback/));
});

test('H13 literals are guarded without a look-up', async () => {
  const { resolve, asked } = resolver({});
  for (const text of ['127.0.0.1:3128', '0x7f.1:80', '169.254.169.254:80', '[::1]:80', '[::ffff:169.254.169.254]:80']) {
    await assert.rejects(resolve(text), refusedWith(403, /address guard/), text);
  }
  assert.deepEqual(await resolve('8.8.8.8:53'), ['8.8.8.8']);
  assert.deepEqual(asked, []);
});

test("the operator's exception counts for exactly the host and port that it names", async () => {
  const { resolve } = resolver({ 'git.corp': [['10.1.2.3']], 'other.corp': [['10.1.2.3']] }, [
    'git.corp:443',
    '10.0.0.9:80',
  ]);
  assert.deepEqual(await resolve('git.corp:443'), ['10.1.2.3']);
  assert.deepEqual(await resolve('GIT.corp.:443'), ['10.1.2.3']);
  assert.deepEqual(await resolve('10.0.0.9:80'), ['10.0.0.9']);
  for (const text of ['git.corp:80', 'other.corp:443', '10.1.2.3:443', '10.0.0.9:81', '10.0.0.8:80']) {
    await assert.rejects(resolve(text), refusedWith(403, /private/), text);
  }
});

test('a resolver that does not answer is a 504, and asked once for many', async () => {
  let asked = 0;
  const { resolve } = createResolver({
    exceptions: [],
    timeoutMs: 20,
    lookup: () => {
      asked += 1;
      return new Promise(() => undefined);
    },
  });
  const destination = parseDestination('slow.example:443');
  const all = await Promise.allSettled([resolve(destination), resolve(destination), resolve(destination)]);
  for (const result of all) {
    assert.ok(result.status === 'rejected' && refusedWith(504, /timed out/)(result.reason));
  }
  assert.equal(asked, 1);
});
