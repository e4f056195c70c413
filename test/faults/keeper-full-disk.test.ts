import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spoolBacklogBytes } from '#contract/keeper.ts';
import { readRecording } from '#recordings/read-recording.ts';
import { verifyRecording } from '#recordings/verify-recording.ts';
import { createCountCheck } from '../support/count-stream.ts';
import { listed, openTerminal, type TestTerminal, until } from '../support/keeper-terminal.ts';
import { startKeeper, type TestKeeper } from '../support/start-keeper.ts';

const counter = fileURLToPath(new URL('../support/counter-stream.py', import.meta.url));
const last = 1_000_000;

/** A tmpfs of that size; undefined, with the test skipped, where this process may not mount. */
function mountSmall(t: TestContext, mebibytes: number): string | undefined {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'casemate-small-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', directory]);
  if (mounted.status !== 0) {
    rmSync(directory, { recursive: true });
    t.skip('mounting a small tmpfs needs root');
    return undefined;
  }
  t.after(() => {
    spawnSync('umount', ['-l', directory]);
    rmSync(directory, { recursive: true });
  });
  return directory;
}

/** Unsealed bytes of the terminal now. */
async function backlog(keeper: TestKeeper, terminal: TestTerminal): Promise<{ end: number; unsealed: number }> {
  const known = await listed(keeper, terminal.terminalId);
  assert.ok(known);
  return { end: known.end, unsealed: known.end - known.sealed };
}

async function untilStill(keeper: TestKeeper, terminal: TestTerminal): Promise<void> {
  let before = -1;
  await until('the program stalls', async () => {
    await delay(400);
    const { end } = await backlog(keeper, terminal);
    const still = end === before && end > 0;
    before = end;
    return still;
  });
}

/** Every number up to some point, each once; answers how many. */
async function checkRecording(keeper: TestKeeper, terminal: TestTerminal): Promise<number> {
  const verdict = await verifyRecording(keeper.recording(terminal.terminalId));
  assert.equal(verdict.broken, undefined);
  const check = createCountCheck();
  const recorded = readRecording(keeper.recording(terminal.terminalId), { privateKey: terminal.keys.privateKey });
  for await (const event of recorded) if (event.kind === 'output') check.push(event.bytes);
  return check.next;
}

async function journalKinds(keeper: TestKeeper): Promise<string[]> {
  const { reply } = await keeper.channel.call('journal.read', { after: 0, limit: 1000, waitMs: 0 });
  return reply.records.map((record) => record.kind);
}

test('H16 a full recording disk stalls the program at the bound, survives kill -9, and goes on by itself', async (t) => {
  const disk = mountSmall(t, 8);
  if (!disk) return;
  await using keeper = await startKeeper({ recordingsDirectory: path.join(disk, 'recordings') });
  const terminal = await openTerminal(keeper);
  writeFileSync(path.join(disk, 'ballast'), Buffer.alloc(5 * 1_048_576));
  keeper.runProgram(terminal.terminalId, ['python3', counter, String(last)]);
  const requireBound = async (): Promise<void> => {
    await untilStill(keeper, terminal);
    const { unsealed } = await backlog(keeper, terminal);
    assert.ok(unsealed >= spoolBacklogBytes && unsealed < spoolBacklogBytes + 65_536, `${unsealed} bytes are unsealed`);
  };
  await requireBound();
  assert.ok((await journalKinds(keeper)).includes('terminal.stall'));
  await assert.rejects(openTerminal(keeper), (error: unknown) => (error as { code?: string }).code === 'no_space');

  await keeper.stop('SIGKILL');
  await keeper.start();
  await requireBound();
  unlinkSync(path.join(disk, 'ballast'));
  spawnSync('mount', ['-o', 'remount,size=64m', disk]);
  await until('all is sealed', async () => (await listed(keeper, terminal.terminalId))?.state === 'ended', 30_000);
  assert.ok((await journalKinds(keeper)).includes('terminal.resume'));
  assert.equal(await checkRecording(keeper, terminal), last + 1);
});

test('H16 a full spool stalls the program without loss, and goes on by itself', async (t) => {
  const memory = mountSmall(t, 3);
  if (!memory) return;
  const spoolDirectory = path.join(memory, 'spool');
  await using keeper = await startKeeper({ spoolDirectory });
  const terminal = await openTerminal(keeper);
  const ballast = path.join(memory, 'ballast');
  const room = 2_500_000;
  writeFileSync(ballast, Buffer.alloc(room));
  keeper.runProgram(terminal.terminalId, ['python3', counter, '100000000']);
  // Sealed bytes are given back before the program has to wait, so a little room is enough to go on.
  await until('it flows', async () => (await backlog(keeper, terminal)).end > 1_000_000);
  const fill = path.join(memory, 'fill');
  assert.throws(() => {
    for (;;) writeFileSync(fill, Buffer.alloc(4096), { flag: 'a' });
  });
  await until('it is noted or done', async () => {
    if (statSync(fill).size < room) {
      try {
        writeFileSync(fill, Buffer.alloc(65_536), { flag: 'a' });
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    }
    return (await journalKinds(keeper)).includes('terminal.stall');
  });
  await delay(300);
  await keeper.stop('SIGKILL');
  await keeper.start();
  assert.equal((await listed(keeper, terminal.terminalId))?.state, 'live');
  unlinkSync(fill);
  unlinkSync(ballast);
  const { end } = await backlog(keeper, terminal);
  await until('it flows again', async () => (await backlog(keeper, terminal)).end > end + 1_000_000);
  await keeper.channel.call('terminal.close', { terminalId: terminal.terminalId });
  assert.ok((await checkRecording(keeper, terminal)) > 1000);
});
