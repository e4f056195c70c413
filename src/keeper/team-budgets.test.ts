import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { mock, test, type TestContext } from 'node:test';
import type { TeamId } from '#base/ids.ts';
import { createTeamBudgets } from '#keeper/team-budgets.ts';
import { createTokenBucket } from '#keeper/token-bucket.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const one = 'a'.repeat(20) as TeamId;
const two = 'b'.repeat(20) as TeamId;

test('H16 a rate lets a burst through, then a steady stream, and the burst gathers again', () => {
  let nowMs = 0;
  const bucket = createTokenBucket({ perSecond: 1000, burst: 5000, now: () => nowMs });
  let taken = 0;
  const flood = (forMs: number): number => {
    taken = 0;
    for (const end = nowMs + forMs; nowMs < end; nowMs += 1) {
      while (bucket.mayTake()) {
        bucket.take(100);
        taken += 100;
      }
    }
    return taken;
  };
  assert.ok(flood(10) >= 5000, 'the burst at once');
  const steady = flood(10_000);
  assert.ok(steady >= 9500 && steady <= 10_500, `${steady} in ten seconds`);
  assert.ok(bucket.limitedForMs() > 9000);
  nowMs += 10_000;
  assert.equal(bucket.limitedForMs(), 0);
  assert.ok(flood(10) >= 5000);
});

function budgets(t: TestContext, used = new Map<TeamId, number>()) {
  mock.timers.enable({ apis: ['setInterval', 'Date'] });
  t.after(() => mock.timers.reset());
  const made = createTeamBudgets({
    teamBudget: { totalBytes: 10_000, bytesPerSecond: 1000, burstBytes: 2000 },
    reserveMiB: 0,
    recordingsDirectory: tmpdir(),
    recordedBytes: { count: () => new Map(used) },
    log,
    now: Date.now,
  });
  t.after(() => made[Symbol.dispose]());
  return made;
}

test('H16 a team that prints too fast waits, is woken, and is told of it; another does not notice', (t) => {
  const own = budgets(t);
  let woken = 0;
  own.join(one, () => (woken += 1));
  own.recorded(one, 2500);
  assert.equal(own.mayRecord(one), false);
  assert.equal(own.mayRecord(two), true);
  assert.equal(own.stallOf(one), null, 'a moment is not worth a word');
  mock.timers.tick(600);
  assert.ok(woken >= 1);
  assert.equal(own.mayRecord(one), true);
  for (let round = 0; round < 20; round += 1) {
    own.recorded(one, 200);
    own.mayRecord(one);
    mock.timers.tick(100);
  }
  assert.equal(own.stallOf(one), 'rate');
  assert.equal(own.stallOf(two), null);
  mock.timers.tick(5000);
  assert.equal(own.stallOf(one), null);
});

test('H16 a team that filled its budget waits and opens nothing, until there is room again', async (t) => {
  const used = new Map([[one, 9000]]);
  const own = budgets(t, used);
  assert.equal(own.mayRecord(one), true);
  own.recorded(one, 1500);
  assert.equal(own.mayRecord(one), false);
  assert.throws(() => own.requireRoom(one), { code: 'quota_exceeded' });
  own.requireRoom(two);
  let woken = 0;
  own.join(one, () => (woken += 1));
  // What was printed is on the disk by now, and somebody removed an old recording.
  used.set(one, 4000);
  for (let second = 0; second < 12; second += 1) {
    mock.timers.tick(1000);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(own.mayRecord(one), true);
  assert.ok(woken >= 1);
  own.requireRoom(one);
});
