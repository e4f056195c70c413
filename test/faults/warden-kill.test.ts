import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TerminalId, WorkspaceId } from '#base/ids.ts';
import { leftovers, nothingLeft } from '../support/leftovers.ts';
import { newId, startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';
import { type Master, takeMaster } from '../support/take-master.ts';

const reason = whySandboxesCannotRun();
type Owned = Awaited<ReturnType<TestWarden['create']>>;

async function openTerminal(warden: TestWarden, sandbox: Owned): Promise<{ terminalId: TerminalId; master: Master }> {
  const terminalId = newId<TerminalId>();
  const console = takeMaster(`${warden.config.keeperConsoleDirectory}/${terminalId}`);
  await warden.channel.call('terminal.start', {
    ...sandbox,
    terminalId,
    arguments: ['/bin/bash', '--norc'],
    workingDirectory: { path: '/home/user/workspace' },
    environment: { PS1: '> ' },
    size: { columns: 100, rows: 30 },
  });
  return { terminalId, master: await console.master() };
}

const terminalsOf = async (warden: TestWarden) => (await warden.channel.call('terminal.list', {})).reply.terminals;

/** The terminal that ended; waits for it. After a restart its parent is the init of the host, which reaps in its own time. */
async function endOf(warden: TestWarden) {
  const deadline = Date.now() + 8000;
  for (;;) {
    const [terminal] = await terminalsOf(warden);
    if (terminal && !terminal.running) return terminal;
    assert.ok(Date.now() < deadline, 'the end of a terminal was not observed');
    await sleep(50);
  }
}

describe('a terminal', { skip: reason ?? false, timeout: 120_000 }, () => {
  it('is a controlling terminal of its size, and its exit is told exactly', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const events = warden.channel.open('events', {});
    events.done.catch(() => undefined);
    const { terminalId, master } = await openTerminal(warden, sandbox);
    master.type('tty; stty size; echo $TERM-$COLORTERM; ps -o sid= -p $$; echo $$; cat & jobs\n');
    await master.shown(/\/dev\/pts\/0\r\n30 100\r\nxterm-256color-truecolor\r\n[^]*Stopped|\[1\]/);
    master.type('exit 37\n');
    master.type('exit 37\n');
    for await (const { header } of events.items) {
      assert.deepEqual(header, { type: 'terminal.exited', terminalId, exit: { exitCode: 37, signal: null } });
      break;
    }
    events.cancel();
    const listed = { terminalId, sandboxId: sandbox.sandboxId, running: false, exit: { exitCode: 37, signal: null } };
    assert.deepEqual(await terminalsOf(warden), [listed]);
    assert.deepEqual(await terminalsOf(warden), []);
    master[Symbol.dispose]();
  });

  it('is refused when the keeper does not wait for it, and a program that is not there is told', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const program = { workingDirectory: { path: '/' }, environment: {}, size: { columns: 80, rows: 24 } };
    const start = (terminalId: TerminalId, path: string) =>
      warden.channel.call('terminal.start', { ...sandbox, terminalId, arguments: [path], ...program });
    await assert.rejects(start(newId(), '/bin/sh'), { code: 'conflict' });
    const terminalId = newId<TerminalId>();
    takeMaster(`${warden.config.keeperConsoleDirectory}/${terminalId}`);
    await assert.rejects(start(terminalId, '/no/such/program'), { code: 'not_found' });
    await assert.rejects(warden.run(sandbox, ['/no/such/program']), { code: 'not_found' });
    assert.deepEqual(await terminalsOf(warden), []);
  });

  it('ends with all that it started when it is killed', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const { terminalId, master } = await openTerminal(warden, sandbox);
    master.type('trap "" HUP; setsid sleep 1000 & sleep 1001 & echo up\n');
    await master.shown(/\nup/);
    await warden.channel.call('terminal.kill', { ...sandbox, terminalId });
    await sleep(100);
    assert.equal((await warden.channel.call('sandbox.usage', sandbox)).reply.processes, 0);
    assert.equal((await terminalsOf(warden))[0]?.exit?.signal, 'SIGKILL');
    master[Symbol.dispose]();
  });
});

describe('kill -9 of the warden', { skip: reason ?? false, timeout: 180_000 }, () => {
  it('ends no sandbox and no terminal: its next start adopts them, doors and all', async () => {
    await using warden = await startWarden();
    const workspaceId = newId<WorkspaceId>();
    const sandbox = await warden.create({ workspaceId });
    const { terminalId, master } = await openTerminal(warden, sandbox);
    await warden.kill();
    master.type('echo still-$((40+2))\n');
    await master.shown(/still-42/);
    await warden.restart();
    assert.deepEqual(await terminalsOf(warden), [
      { terminalId, sandboxId: sandbox.sandboxId, running: true, exit: null },
    ]);
    const door = await warden.run(sandbox, 'curl -s -i --noproxy "*" http://127.0.0.1:3128/');
    assert.match(door.stdout, /^HTTP\/1.1 204/);
    await assert.rejects(warden.create({ teamId: sandbox.teamId, workspaceId }), { code: 'conflict' });
    master.type('exit 5\n');
    assert.equal((await endOf(warden)).terminalId, terminalId);
    master[Symbol.dispose]();
    await warden.channel.call('sandbox.kill', sandbox);
    const { descriptors: _, ...rest } = await leftovers(warden);
    assert.deepEqual(rest, { ...nothingLeft, ranges: 1 });
  });

  it('with a record that a later warden cannot understand ends that sandbox, and the others go on', async () => {
    await using warden = await startWarden();
    const [broken, whole] = await Promise.all([warden.create(), warden.create()]);
    const before = await leftovers(warden);
    await warden.kill();
    const file = `${warden.config.stateDirectory}/sandboxes/${broken.sandboxId}/sandbox.json`;
    const record = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...record, ofAnotherRelease: true }));
    await warden.restart();
    const { sandboxes } = (await warden.channel.call('sandbox.list', {})).reply;
    assert.deepEqual(
      sandboxes.map(({ sandboxId }) => sandboxId),
      [whole.sandboxId],
    );
    assert.equal((await warden.run(whole, 'echo still here')).stdout, 'still here\n');
    const { groups, mounts, loops, sandboxes: directories, ranges } = await leftovers(warden);
    const half = { groups: before.groups / 2, mounts: before.mounts / 2, loops: before.loops / 2 };
    assert.deepEqual({ groups, mounts, loops, directories, ranges }, { ...half, directories: 1, ranges: 1 });
    assert.match(warden.output(), /cannot be understood/);
  });

  it('while the sandbox ends too is noticed by its next start, and nothing is left', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const { terminalId, master } = await openTerminal(warden, sandbox);
    await warden.kill();
    master.type('exit\n');
    await sleep(300);
    await warden.restart();
    const ended = await endOf(warden);
    assert.deepEqual(ended, { terminalId, sandboxId: sandbox.sandboxId, running: false, exit: ended?.exit });
    master[Symbol.dispose]();
  });

  it('in the middle of starting a sandbox leaves nothing that its next start does not clean or adopt', async () => {
    await using warden = await startWarden();
    // The last is in the middle of making a spare disk.
    for (const delayMs of [5, 20, 40, 60, 80, 110, 220]) {
      const starting = warden.create().catch(() => undefined);
      await sleep(delayMs);
      await warden.kill();
      await starting;
      await warden.restart();
      const images = readdirSync(`${warden.config.stateDirectory}/images`);
      assert.deepEqual(
        images.filter((name) => name.includes('.spare-')),
        [],
      );
      const { reply } = await warden.channel.call('sandbox.list', {});
      for (const { sandboxId, teamId } of reply.sandboxes)
        await warden.channel.call('sandbox.kill', { sandboxId, teamId });
      const { descriptors: _, ...rest } = await leftovers(warden);
      assert.deepEqual(rest, nothingLeft, `killed after ${delayMs} ms`);
    }
  });
});
