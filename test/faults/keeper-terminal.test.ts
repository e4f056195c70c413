import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectChannel } from '#channel/connect.ts';
import { inputQueueBytes, keeperMethods } from '#contract/keeper.ts';
import { readRecording } from '#recordings/read-recording.ts';
import { verifyRecording } from '#recordings/verify-recording.ts';
import { createCountCheck } from '../support/count-stream.ts';
import { follow, listed, openTerminal, until } from '../support/keeper-terminal.ts';
import { holdersOf, startKeeper } from '../support/start-keeper.ts';

const counter = fileURLToPath(new URL('../support/counter-stream.py', import.meta.url));
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected;

test('a terminal is opened, driven, resized, ended and closed, and its recording tells all of it', async () => {
  await using keeper = await startKeeper();
  const { terminalId, teamId, keys } = await openTerminal(keeper);
  assert.equal((await listed(keeper, terminalId))?.state, 'waiting');
  keeper.runProgram(terminalId, ['sh', '-c', 'stty size; read line; echo "got $line"; stty size; exit 3']);
  let shown = '';
  const reading = follow(keeper, terminalId, (bytes) => {
    shown += bytes.toString();
  });
  await until('the first size', () => shown.includes('24 80'));
  await keeper.channel.call('terminal.resize', { terminalId, size: { columns: 100, rows: 30 } });
  await keeper.channel.call('terminal.input', { terminalId }, { payload: Buffer.from('abc\n') });
  const end = await reading;
  assert.match(shown, /got abc\r\n30 100\r\n$/);
  assert.deepEqual(await listed(keeper, terminalId), {
    terminalId,
    teamId,
    spoolStart: 0,
    sealed: end,
    end,
    state: 'ended',
  });
  await assert.rejects(
    keeper.channel.call('terminal.input', { terminalId }, { payload: Buffer.from('x') }),
    code('gone'),
  );
  await keeper.channel.call('terminal.exited', { terminalId, exit: { exitCode: 3, signal: null } });
  await keeper.channel.call('terminal.close', { terminalId });
  await assert.rejects(keeper.channel.call('terminal.close', { terminalId }), code('not_found'));
  assert.equal(holdersOf(keeper.config.spoolDirectory).length, 0);

  const events = [];
  for await (const event of readRecording(keeper.recording(terminalId), { privateKey: keys.privateKey }))
    events.push(event);
  const [first, ...rest] = events;
  assert.deepEqual(first?.kind === 'resize' && first.size, { columns: 80, rows: 24 });
  const last = rest.at(-1);
  assert.deepEqual(last?.kind === 'exit' && last.exit, { exitCode: 3, signal: null });
  const resized = rest.findIndex((event) => event.kind === 'resize');
  assert.ok(resized > 0 && resized < rest.length - 1, 'the resize lies between outputs');
  const output = events.flatMap((event) => (event.kind === 'output' ? [Buffer.from(event.bytes)] : []));
  assert.equal(Buffer.concat(output).toString(), shown);
  const { reply } = await keeper.channel.call('journal.read', { after: 0, limit: 100, waitMs: 0 });
  assert.deepEqual(
    reply.records.map((record) => record.kind),
    ['terminal.open', 'terminal.exit', 'terminal.close'],
  );
});

test('H7 recordings are readable by the group and no one else, and the keeper has no way to open them', async () => {
  await using keeper = await startKeeper();
  const { terminalId, keys } = await openTerminal(keeper);
  keeper.runProgram(terminalId, ['sh', '-c', 'echo private words']);
  await follow(keeper, terminalId, () => undefined);
  await keeper.channel.call('terminal.close', { terminalId });
  assert.equal(statSync(keeper.recording(terminalId)).mode & 0o777, 0o640);
  const other = await openTerminal(keeper);
  const wrong = readRecording(keeper.recording(terminalId), { privateKey: other.keys.privateKey });
  await assert.rejects(wrong.next(), { name: 'RecordingUnreadable' });
  const right = readRecording(keeper.recording(terminalId), { privateKey: keys.privateKey });
  assert.equal((await right.next()).done, false);
  await right.return();
});

test('an id that was ever used is refused, and unknown ones are not found', async () => {
  await using keeper = await startKeeper();
  const { terminalId, teamId, keys } = await openTerminal(keeper);
  const again = {
    terminalId,
    teamId,
    recordingPublicKey: keys.publicKey.toString('base64'),
    size: { columns: 80, rows: 24 },
  };
  await assert.rejects(keeper.channel.call('terminal.open', again), code('already_exists'));
  await keeper.channel.call('terminal.close', { terminalId });
  await assert.rejects(keeper.channel.call('terminal.open', again), code('already_exists'));
  const unknown = { terminalId, offset: 0, maximumBytes: 1, waitMs: 0 };
  await assert.rejects(keeper.channel.call('terminal.read', unknown), code('not_found'));
  const weak = { ...again, terminalId: 'z'.repeat(20), recordingPublicKey: Buffer.alloc(32).toString('base64') };
  await assert.rejects(keeper.channel.call('terminal.open', weak), code('invalid_request'));
  assert.equal((await keeper.channel.call('terminal.list', {})).reply.terminals.length, 0, 'nothing is left of it');
});

test('a program that ends before its console arrives leaves an ended terminal with its exit', async () => {
  await using keeper = await startKeeper();
  const { terminalId } = await openTerminal(keeper);
  await keeper.channel.call('terminal.exited', { terminalId, exit: { exitCode: 127, signal: null } });
  await until('the exit is sealed', async () => (await verifyRecording(keeper.recording(terminalId))).finished);
  assert.equal((await listed(keeper, terminalId))?.state, 'ended');
  await keeper.channel.call('terminal.close', { terminalId });
});

test('input beyond the queue is refused whole, and what was taken arrives in order once the program reads', async () => {
  await using keeper = await startKeeper();
  const { terminalId } = await openTerminal(keeper);
  const script = 'stty raw -echo; echo ready; sleep 1; exec cat';
  keeper.runProgram(terminalId, ['sh', '-c', script]);
  let shown = Buffer.alloc(0);
  let stop = false;
  const reading = follow(
    keeper,
    terminalId,
    (bytes) => {
      shown = Buffer.concat([shown, bytes]);
    },
    { enough: () => stop },
  );
  await until('the program is ready', () => shown.includes('ready'));
  let sent = '';
  let refused = 0;
  for (let part = 0; part < 40; part += 1) {
    const bytes = String(part).padStart(4096, '.');
    try {
      await keeper.channel.call('terminal.input', { terminalId }, { payload: Buffer.from(bytes) });
      sent += bytes;
    } catch (error) {
      assert.ok(code('rate_limited')(error));
      refused += 1;
    }
  }
  assert.ok(refused > 0, 'the queue is bounded');
  assert.ok(sent.length >= inputQueueBytes, 'up to the bound, input was taken');
  const start = shown.length;
  await until('all input came back', () => shown.length - start >= sent.length);
  assert.equal(shown.subarray(start).toString(), sent);
  await assert.rejects(
    keeper.channel.call('terminal.input', { terminalId }, { payload: Buffer.alloc(inputQueueBytes + 1) }),
    code('rate_limited'),
  );
  stop = true;
  await keeper.channel.call('terminal.close', { terminalId });
  await reading.catch((error: unknown) => assert.ok(code('not_found')(error)));
});

test('several viewers read the same bytes, and one that died or sleeps holds up nobody', async () => {
  await using keeper = await startKeeper();
  const { terminalId } = await openTerminal(keeper);
  const sleeper = connectChannel(keeperMethods, { path: `${keeper.config.runDirectory}/keeper.sock`, log: quiet });
  const longPoll = sleeper.call('terminal.read', { terminalId, offset: 0, maximumBytes: 1, waitMs: 30_000 });
  longPoll.catch(() => undefined);
  await delay(50);
  sleeper.close();
  keeper.runProgram(terminalId, ['python3', counter, '60000', '0.005']);
  const checks = [createCountCheck(), createCountCheck(), createCountCheck()];
  const ends = await Promise.all(checks.map((check) => follow(keeper, terminalId, (bytes) => check.push(bytes))));
  assert.equal(new Set(ends).size, 1);
  for (const check of checks) assert.equal(check.next, 60_001);
  await assert.rejects(longPoll);
});

test('a viewer that is too late is told where the spool starts and finds the rest in the recording', async () => {
  await using keeper = await startKeeper();
  const { terminalId, keys } = await openTerminal(keeper);
  keeper.runProgram(terminalId, ['python3', counter, '700000']);
  await until('it ended', async () => (await listed(keeper, terminalId))?.state === 'ended', 30_000);
  const known = await listed(keeper, terminalId);
  assert.ok(known && known.spoolStart > 0, 'the spool was trimmed');
  const request = { terminalId, offset: 0, maximumBytes: 1, waitMs: 0 };
  await assert.rejects(keeper.channel.call('terminal.read', request), (error: unknown) => {
    return (
      code('offset_trimmed')(error) &&
      (error as { detail: { spoolStart: number } }).detail.spoolStart === known.spoolStart
    );
  });
  const check = createCountCheck();
  const recorded = readRecording(keeper.recording(terminalId), { privateKey: keys.privateKey, to: known.spoolStart });
  for await (const event of recorded) if (event.kind === 'output') check.push(event.bytes);
  await follow(keeper, terminalId, (bytes) => check.push(bytes), { from: known.spoolStart });
  assert.equal(check.next, 700_001);
});

test('closing a terminal hangs up its programs', async () => {
  await using keeper = await startKeeper();
  const { terminalId } = await openTerminal(keeper);
  const program = keeper.runProgram(terminalId, ['sh', '-c', 'echo up; sleep 1000']);
  await until('it is up', async () => ((await listed(keeper, terminalId))?.end ?? 0) > 0);
  await keeper.channel.call('terminal.close', { terminalId });
  await until('the program got SIGHUP', () => program.exitCode !== null);
  assert.equal((await verifyRecording(keeper.recording(terminalId))).finished, true);
});

test('a holder that is killed is replaced, and the terminal still survives the keeper', async () => {
  await using keeper = await startKeeper();
  const { terminalId } = await openTerminal(keeper);
  keeper.runProgram(terminalId, ['cat']);
  await until('it is live', async () => (await listed(keeper, terminalId))?.state === 'live');
  const [holder] = holdersOf(keeper.config.spoolDirectory);
  assert.ok(holder);
  process.kill(holder, 'SIGKILL');
  await until('another holds', () => holdersOf(keeper.config.spoolDirectory).some((pid) => pid !== holder));
  await delay(100);
  await keeper.stop('SIGKILL');
  await keeper.start();
  assert.equal((await listed(keeper, terminalId))?.state, 'live');
  await keeper.channel.call('terminal.input', { terminalId }, { payload: Buffer.from('still here\n') });
  let shown = '';
  await follow(keeper, terminalId, (bytes) => (shown += bytes.toString()), {
    enough: () => shown.includes('still here\r\nstill'),
  });
});

test('a keeper that was stopped cleanly takes its terminals up again, waiting ones too', async () => {
  await using keeper = await startKeeper();
  const waiting = await openTerminal(keeper);
  const { terminalId } = await openTerminal(keeper);
  keeper.runProgram(terminalId, ['sh', '-c', 'echo before; read line; echo after']);
  await until('it wrote', async () => ((await listed(keeper, terminalId))?.end ?? 0) > 0);
  await keeper.stop('SIGTERM');
  await keeper.start();
  await keeper.channel.call('terminal.input', { terminalId }, { payload: Buffer.from('\n') });
  let shown = '';
  await follow(keeper, terminalId, (bytes) => (shown += bytes.toString()));
  assert.match(shown, /^before\r\n\r\nafter\r\n$/);
  keeper.runProgram(waiting.terminalId, ['echo', 'late']);
  let late = '';
  await follow(keeper, waiting.terminalId, (bytes) => (late += bytes.toString()));
  assert.equal(late, 'late\r\n');
});
