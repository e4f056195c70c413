import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readRecording } from '#recordings/read-recording.ts';
import { verifyRecording } from '#recordings/verify-recording.ts';
import { createCountCheck } from '../support/count-stream.ts';
import { follow, listed, openTerminal, until } from '../support/keeper-terminal.ts';
import { holdersOf, startKeeper } from '../support/start-keeper.ts';

const counter = fileURLToPath(new URL('../support/counter-stream.py', import.meta.url));
const kills = 22;

const onlyUnavailable = (error: unknown): void => assert.equal((error as { code?: string }).code, 'unavailable');

test(`H7 killing the keeper ${kills} times while output flows loses and doubles no byte and ends no terminal`, async (t) => {
  await using keeper = await startKeeper();
  const fast = await openTerminal(keeper);
  const slow = await openTerminal(keeper);
  const program = keeper.runProgram(fast.terminalId, ['python3', counter, '100000000']);
  keeper.runProgram(slow.terminalId, ['python3', counter, '100000000', '0.003']);
  await until('both are live', async () => {
    return (
      (await listed(keeper, fast.terminalId))?.state === 'live' &&
      (await listed(keeper, slow.terminalId))?.state === 'live'
    );
  });

  await keeper.stop('SIGTERM');
  await keeper.start();

  const seen = createCountCheck();
  const acknowledged: number[] = [];
  let done = false;
  const reading = follow(keeper, slow.terminalId, (bytes) => seen.push(bytes), { enough: () => done });
  for (let kill = 0; kill < kills; kill += 1) {
    await delay(randomInt(5, 150));
    const columns = 100 + kill;
    const resized = keeper.channel.call('terminal.resize', {
      terminalId: slow.terminalId,
      size: { columns, rows: 24 },
    });
    const opened = openTerminal(keeper);
    opened.catch(onlyUnavailable);
    resized.then(() => acknowledged.push(columns)).catch(onlyUnavailable);
    // Every fourth kill comes after the answer, the others at any moment before or after it.
    if (kill % 4 === 0) await resized;
    await delay(randomInt(0, 6));
    await keeper.stop('SIGKILL');
    await delay(randomInt(0, 40));
    await keeper.start();
    assert.equal((await listed(keeper, fast.terminalId))?.state, 'live');
    assert.equal((await listed(keeper, slow.terminalId))?.state, 'live');
  }
  assert.equal(holdersOf(keeper.config.spoolDirectory).length, 2, 'one holder for each terminal');
  assert.equal(program.exitCode, null, 'the program still runs');
  done = true;
  await reading;

  for (const terminal of [fast, slow]) {
    await keeper.channel.call('terminal.close', { terminalId: terminal.terminalId });
    const verdict = await verifyRecording(keeper.recording(terminal.terminalId));
    assert.equal(verdict.broken, undefined);
    assert.equal(verdict.finished, true);
    const recorded = createCountCheck();
    const sizes: number[] = [];
    for await (const event of readRecording(keeper.recording(terminal.terminalId), {
      privateKey: terminal.keys.privateKey,
    })) {
      if (event.kind === 'output') recorded.push(event.bytes);
      if (event.kind === 'resize') sizes.push(event.size.columns);
    }
    assert.equal(recorded.bytes, verdict.outputBytes);
    assert.deepEqual(
      sizes,
      [...new Set(sizes)].toSorted((a, b) => a - b),
      'each size once, in order',
    );
    if (terminal === slow) for (const size of acknowledged) assert.ok(sizes.includes(size), `${size} was acknowledged`);
    assert.ok(recorded.next > 1000, 'output flowed');
    t.diagnostic(`${recorded.bytes} bytes, ${verdict.head.chunks} chunks`);
  }
  assert.ok(seen.next > 100, 'a viewer followed through all of it');
  assert.ok(acknowledged.length > 0, 'some resizes were acknowledged');
  assert.equal(await listed(keeper, fast.terminalId), undefined);
  // Terminals whose opening was interrupted are whole or absent: what is listed can be closed.
  const { reply } = await keeper.channel.call('terminal.list', {});
  for (const { terminalId, state } of reply.terminals) {
    assert.equal(state, 'waiting');
    await keeper.channel.call('terminal.close', { terminalId });
    assert.equal((await verifyRecording(keeper.recording(terminalId))).finished, true);
  }
  t.diagnostic(`${reply.terminals.length} terminals were opened meanwhile`);
  assert.equal(holdersOf(keeper.config.spoolDirectory).length, 0);
});
