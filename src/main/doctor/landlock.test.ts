import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeLandlock } from '#main/doctor/kernel.ts';
import { judgeServerNetwork } from '#main/doctor/server-network.ts';

test('H4 a kernel without Landlock, or with an old one, is said to be one', () => {
  assert.equal(judgeLandlock(7).verdict, 'ok');
  assert.match(judgeLandlock(5).saw, /version 5 does not know abstract sockets and signals/);
  assert.match(judgeLandlock(1).saw, /does not know TCP ports/);
  assert.equal(judgeLandlock(0).verdict, 'warn');
  assert.match(judgeLandlock(0).saw, /^not there/);
});

test('H12 a database over TCP, for which the server needs the network, is told', () => {
  assert.equal(judgeServerNetwork(null, 7)[0]?.verdict, 'ok');
  assert.equal(judgeServerNetwork('postgresql://o:x@%2Frun%2Fpg/c', 7)[0]?.verdict, 'ok');
  const [finding] = judgeServerNetwork('postgresql://o:secret@db.example.org/c', 7);
  assert.equal(finding?.verdict, 'warn');
  assert.doesNotMatch(finding?.saw ?? '', /secret/);
});
