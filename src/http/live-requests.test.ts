import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { accessChanged, createLiveRequests, credentialEnded } from '#http/live-requests.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} } as never;

test('what is open ends when its credential does, or when what its actor may do has changed', async () => {
  using live = createLiveRequests({ log, sweepMs: 5 });
  let isLive = true;
  let allowed = true;
  const credential = { id: 'one', isLive: async () => isLive };
  const stream = new AbortController();
  const request = new AbortController();
  live.track(credential, stream, async () => allowed);
  live.track(credential, request);
  await wait(30);
  assert.deepEqual([stream.signal.aborted, request.signal.aborted], [false, false]);
  allowed = false;
  await wait(30);
  assert.equal(stream.signal.reason, accessChanged);
  assert.equal(request.signal.aborted, false);
  isLive = false;
  await wait(30);
  assert.equal(request.signal.reason, credentialEnded);
});

test('one credential holds 256 things open at most, and another is not in the way', () => {
  using live = createLiveRequests({ log });
  const credential = { id: 'one', isLive: async () => true };
  const untrack = Array.from({ length: 256 }, () => live.track(credential, new AbortController()));
  assert.throws(() => live.track(credential, new AbortController()), { code: 'rate_limited' });
  live.track({ ...credential, id: 'two' }, new AbortController());
  untrack[0]?.();
  live.track(credential, new AbortController());
});
