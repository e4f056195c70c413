import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { accessChanged, createLiveRequests, credentialEnded, serverStops } from '#http/live-requests.ts';

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

test('a server that stops ends streams at once, and lets requests finish within its patience', async () => {
  using live = createLiveRequests({ log });
  const stream = new AbortController();
  const quick = new AbortController();
  const stuck = new AbortController();
  const done = [live.track(null, stream, async () => true), live.track(null, quick), live.track(null, stuck)];
  const drained = live.drain(60);
  assert.equal(stream.signal.reason, serverStops);
  assert.deepEqual([quick.signal.aborted, stuck.signal.aborted], [false, false]);
  done[0]?.();
  done[1]?.();
  await drained;
  assert.deepEqual([quick.signal.aborted, stuck.signal.reason], [false, serverStops]);
  done[2]?.();
  await live.drain(60_000);
});
