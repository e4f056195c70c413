import assert from 'node:assert/strict';
import { statfsSync, statSync, unlinkSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyRecording } from '#recordings/verify-recording.ts';
import { openTerminal, type TestTerminal, until } from '../support/keeper-terminal.ts';
import { startKeeper, type TestKeeper } from '../support/start-keeper.ts';

const mebibyte = 1_048_576;
const flood = ['sh', '-c', 'exec cat /dev/zero'];
const echo = ['sh', '-c', 'stty raw -echo; printf ready; exec cat'];

async function listedOf(keeper: TestKeeper, { terminalId }: TestTerminal) {
  const { reply } = await keeper.channel.call('terminal.list', {});
  const known = reply.terminals.find((one) => one.terminalId === terminalId);
  assert.ok(known);
  return known;
}

async function stallOf(keeper: TestKeeper, terminal: TestTerminal) {
  const { terminalId } = terminal;
  const { end: offset } = await listedOf(keeper, terminal);
  const request = { terminalId, offset, maximumBytes: 1, waitMs: 0 };
  return (await keeper.channel.call('terminal.read', request)).reply.stall;
}

/** Percentile 99 of so many echoes of one byte, in milliseconds. */
async function echoP99(keeper: TestKeeper, { terminalId }: TestTerminal, count: number): Promise<number> {
  const times: number[] = [];
  let { end: offset } = await listedOf(keeper, { terminalId } as TestTerminal);
  for (let turn = 0; turn < count; turn += 1) {
    await delay(3);
    const started = performance.now();
    await keeper.channel.call('terminal.input', { terminalId }, { payload: Buffer.from('x') });
    const { payload } = await keeper.channel.call('terminal.read', {
      terminalId,
      offset,
      maximumBytes: 64,
      waitMs: 5000,
    });
    assert.ok(payload.length > 0);
    offset += payload.length;
    times.push(performance.now() - started);
  }
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.floor(count * 0.99)] ?? Number.NaN;
}

test('H16 a team that floods is held to its rate, is told so, and slows no terminal of another team', async (t) => {
  const bytesPerSecond = 4 * mebibyte;
  await using keeper = await startKeeper({
    teamBudget: { totalBytes: 2 ** 40, bytesPerSecond, burstBytes: 8 * mebibyte },
  });
  const [loud, quiet] = [await openTerminal(keeper), await openTerminal(keeper)];
  keeper.runProgram(quiet.terminalId, echo);
  await until('the echo is ready', async () => (await listedOf(keeper, quiet)).end === 5);
  await echoP99(keeper, quiet, 50);
  const still = await echoP99(keeper, quiet, 150);

  keeper.runProgram(loud.terminalId, flood);
  await until('the burst is used up', async () => (await listedOf(keeper, loud)).end > 8 * mebibyte);
  const before = (await listedOf(keeper, loud)).end;
  const began = performance.now();
  const beside = await echoP99(keeper, quiet, 150);
  await delay(Math.max(0, 2500 - (performance.now() - began)));
  const rate = ((await listedOf(keeper, loud)).end - before) / ((performance.now() - began) / 1000);
  t.diagnostic(
    `echo p99 ${still.toFixed(2)} ms quiet, ${beside.toFixed(2)} ms beside; flood ${(rate / mebibyte).toFixed(2)} MiB/s`,
  );
  assert.ok(rate > bytesPerSecond * 0.5 && rate < bytesPerSecond * 1.3, `${rate} bytes a second`);
  // Where more runs than there are processors, whoever works at all waits for the others' slices.
  const crowded = loadavg()[0] ?? 0;
  const allowed = crowded > availableParallelism() ? still + 40 * crowded : Math.max(3 * still, still + 25);
  assert.ok(beside < allowed, `${beside} ms beside a flood, ${still} ms without, at a load of ${crowded}`);
  assert.equal(await stallOf(keeper, loud), 'rate');
  assert.equal(await stallOf(keeper, quiet), null);

  // Another terminal of the same team has its turns, however loud the first is.
  const sister = { ...(await openTerminal(keeper, loud.teamId)) };
  keeper.runProgram(sister.terminalId, echo);
  await until('the sister is ready', async () => (await listedOf(keeper, sister)).end === 5);
  await echoP99(keeper, sister, 10);
});

test('H16 a team that filled its budget waits without loss, also over a restart, and goes on when there is room', async () => {
  await using keeper = await startKeeper({
    teamBudget: { totalBytes: 6 * mebibyte, bytesPerSecond: 2 ** 40, burstBytes: 2 ** 40 },
  });
  const old = await openTerminal(keeper);
  keeper.runProgram(old.terminalId, ['sh', '-c', `head -c ${4 * mebibyte} /dev/zero`]);
  await until('the old one has ended', async () => (await listedOf(keeper, old)).state === 'ended');
  await keeper.channel.call('terminal.close', { terminalId: old.terminalId });
  const loud = await openTerminal(keeper, old.teamId);
  keeper.runProgram(loud.terminalId, ['sh', '-c', `head -c ${5 * mebibyte} /dev/zero`]);
  await until('it waits', async () => (await stallOf(keeper, loud)) === 'budget');
  await assert.rejects(openTerminal(keeper, old.teamId), { code: 'quota_exceeded' });
  await openTerminal(keeper);

  await keeper.stop('SIGKILL');
  await keeper.start();
  await until('it waits again', async () => (await stallOf(keeper, loud)) === 'budget');
  const { end } = await listedOf(keeper, loud);
  assert.ok(end > 1.5 * mebibyte && end < 3 * mebibyte, `${end} bytes`);
  unlinkSync(keeper.recording(old.terminalId));
  await until('it goes on to its end', async () => (await listedOf(keeper, loud)).state === 'ended', 20_000);
  const verdict = await verifyRecording(keeper.recording(loud.terminalId));
  assert.equal(verdict.broken, undefined);
  assert.equal((await listedOf(keeper, loud)).sealed, 5 * mebibyte);
  assert.ok(statSync(keeper.recording(loud.terminalId)).size > 5 * mebibyte);
});

test('H16 below the reserve of the host nothing is recorded, and no terminal is opened', async () => {
  await using keeper = await startKeeper();
  const { bavail, bsize } = statfsSync(keeper.config.recordingsDirectory);
  await using short = await startKeeper({ reserveMiB: Math.ceil((bavail * bsize) / mebibyte) * 2 });
  await until('it has looked', async () => {
    await openTerminal(short).catch((error: { code?: string }) => assert.equal(error.code, 'no_space'));
    return openTerminal(short).then(
      () => false,
      () => true,
    );
  });
});
