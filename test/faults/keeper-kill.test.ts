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
const kills = 25;

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

  const seen = createCountCheck();
  let done = false;
  const reading = follow(keeper, slow.terminalId, (bytes) => seen.push(bytes), { enough: () => done });
  for (let kill = 0; kill < kills; kill += 1) {
    await delay(randomInt(5, 150));
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
    for await (const event of readRecording(keeper.recording(terminal.terminalId), {
      privateKey: terminal.keys.privateKey,
    })) {
      if (event.kind === 'output') recorded.push(event.bytes);
    }
    assert.equal(recorded.bytes, verdict.outputBytes);
    assert.ok(recorded.next > 1000, 'output flowed');
    t.diagnostic(`${recorded.bytes} bytes, ${verdict.head.chunks} chunks`);
  }
  assert.ok(seen.next > 100, 'a viewer followed through all of it');
  assert.equal(await listed(keeper, fast.terminalId), undefined);
  assert.equal(holdersOf(keeper.config.spoolDirectory).length, 0);
});
