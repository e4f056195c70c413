import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxId, TeamId, TerminalId, WorkspaceId } from '#base/ids.ts';
import { encodeFrame, encodeHeaded } from '#channel/frame.ts';
import { wardenLimitsSchema } from '#config/process.ts';
import { frameKinds } from '#contract/channel.ts';
import { newId, startWarden, type TestWarden, testResources, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();
type Sandbox = Awaited<ReturnType<TestWarden['create']>>;
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    ({ code }: { code: string }) => code,
  );

describe('H5 a server in wrong hands', { skip: reason ?? false, timeout: 120_000 }, () => {
  let warden: TestWarden;
  let mine: Sandbox;
  let theirs: Sandbox;
  let journal: string;
  before(async () => {
    journal = await mkdtemp('/tmp/casemate-journal-');
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1200k,mode=700', 'tmpfs', journal]);
    warden = await startWarden({
      config: {
        journalDirectory: journal,
        limits: wardenLimitsSchema.parse({
          bindings: 12,
          perTeam: { sandboxes: 2, programs: 4, fileActs: 5 },
        }),
      },
    });
    [mine, theirs] = await Promise.all([warden.create(), warden.create()]);
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
    spawnSync('umount', [journal]);
    await rm(journal, { recursive: true });
  });

  const residentMiB = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${warden.pid}/status`, 'utf8'))?.[1]) / 1024;
  const dial = async (): Promise<Socket> => {
    const socket = connect(`${warden.config.runDirectory}/warden.sock`);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  const send = (socket: Socket, parts: Buffer[]): void => parts.forEach((part) => void socket.write(part));
  const request = (socket: Socket, call: number, method: string, parameters: object): void =>
    send(socket, encodeFrame(frameKinds.request, call, encodeHeaded({ method, parameters })));
  const program = (sandbox: Sandbox, ...words: string[]) => ({
    ...sandbox,
    arguments: words,
    workingDirectory: { path: '/' },
    environment: {},
    user: 'user' as const,
    timeoutMs: 60_000,
  });
  const neighbourIsWell = async (): Promise<void> => {
    assert.equal((await warden.run(theirs, 'echo well')).stdout, 'well\n');
  };

  it('H5 that gives credit without end and reads nothing fills no memory', async () => {
    const before = residentMiB();
    const socket = await dial();
    socket.pause();
    for (let call = 1; call <= 3; call += 1) request(socket, call, 'exec.run', program(mine, '/usr/bin/yes'));
    await sleep(300);
    const credit = Buffer.alloc(4, 0xff);
    for (let round = 0; round < 200; round += 1) {
      for (let call = 1; call <= 3; call += 1) send(socket, encodeFrame(frameKinds.credit, call, [credit]));
    }
    await sleep(700);
    const full = residentMiB();
    await sleep(1500);
    await neighbourIsWell();
    const [first, later] = [full - before, residentMiB() - full];
    assert.ok(first < 150 && later < 40, `the warden grew by ${first} MiB, then by ${later}`);
    socket.destroy();
  });

  it('H5 that sends more than there is room for loses its connection', async () => {
    const listen = [
      'import os, socket, sys, time',
      'l = socket.socket(); l.setsockopt(1, 2, 1); l.bind(("127.0.0.1", 9000)); l.listen(200)',
      'if os.fork(): sys.exit(0)',
      'os.setsid()',
      'for f in (0, 1, 2): os.close(f)',
      'time.sleep(60)',
    ].join('\n');
    await warden.run(mine, ['/usr/bin/python3', '-'], { input: listen });
    const item = (call: number): Buffer[] => encodeFrame(frameKinds.item, call, encodeHeaded({}, Buffer.alloc(60_000)));

    const greedy = await dial();
    const closed = new Promise((resolve) => greedy.once('close', resolve));
    greedy.resume();
    request(greedy, 1, 'port.dial', { ...mine, port: 9000 });
    for (let count = 0; count < 400 && !greedy.destroyed; count += 1) {
      send(greedy, item(1));
      if (count % 50 === 0) await sleep(5);
    }
    await closed;
    await neighbourIsWell();
  });

  it('H5 that opens connections without end has eight', async () => {
    const sockets = await Promise.all(Array.from({ length: 40 }, dial));
    await sleep(200);
    // One of the eight is the test's own.
    assert.ok(sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length <= 7);
    await neighbourIsWell();
    for (const socket of sockets) socket.destroy();
    await sleep(50);
  });

  it('H5 that asks for one team at once leaves the others their share', async () => {
    const calls = Array.from({ length: 6 }, () => warden.channel.open('exec.run', program(mine, '/bin/sleep', '5')));
    const codes = calls.map(({ done }) => codeOf(done));
    await sleep(400);
    await neighbourIsWell();
    for (const call of calls) call.cancel();
    assert.equal((await Promise.all(codes)).filter((code) => code === 'rate_limited').length, 2);

    const at = { path: '/home/user/workspace' };
    const stats = Array.from({ length: 12 }, () => codeOf(warden.channel.call('file.stat', { ...mine, at })));
    const others = codeOf(warden.channel.call('file.stat', { ...theirs, at }));
    const seen = await Promise.all(stats);
    assert.equal(seen.filter((code) => code === 'rate_limited').length, 7);
    assert.equal(await others, 'answered');

    const second = await warden.create({ teamId: mine.teamId });
    const bindings = `${warden.config.stateDirectory}/ranges/bindings.jsonl`;
    const size = statSync(bindings).size;
    await assert.rejects(warden.create({ teamId: mine.teamId }), { code: 'quota_exceeded' });
    for (let round = 0; round < 5; round += 1) {
      await warden.channel.call('disk.delete', { workspaceId: newId<WorkspaceId>(), teamId: newId<TeamId>() });
    }
    assert.equal(statSync(bindings).size, size, 'what was refused was kept for good');
    await warden.channel.call('sandbox.kill', second);
  });

  it('H5 that makes up ids comes to the end of those that are kept, and what runs goes on', async () => {
    let code = '';
    for (let round = 0; round < 14 && code === ''; round += 1) {
      await warden.create({ resources: { diskMiB: 64, inodes: 4096 } }).then(
        (made) => warden.channel.call('sandbox.kill', made),
        (error: { code: string }) => (code = error.code),
      );
    }
    assert.equal(code, 'quota_exceeded');
    await neighbourIsWell();
  });

  it('H8 finds every command that acts refused while the journal takes nothing, but the end of a sandbox', async () => {
    const { bavail, bsize } = statfsSync(journal);
    // Room for one piece of a journal, which is taken beforehand, and then for none.
    writeFileSync(`${journal}/fill`, Buffer.alloc(bavail * bsize));
    const { channel } = warden;
    const at = { path: '/home/user/workspace/x' };
    let full = false;
    for (let round = 0; round < 10_000 && !full; round += 1) {
      full = (await codeOf(channel.call('file.remove', { ...mine, at }))) === 'no_space';
    }
    assert.ok(full, 'the journal took ten thousand records');
    const run = { arguments: ['/bin/touch', '/home/user/ran'], workingDirectory: { path: '/' }, environment: {} };
    const acts: Record<string, Promise<unknown>> = {
      'exec.run': channel.open('exec.run', { ...mine, ...run, user: 'user', timeoutMs: 5000 }).done,
      'terminal.start': channel.call('terminal.start', {
        ...{ ...mine, ...run, terminalId: newId<TerminalId>(), size: { columns: 80, rows: 24 } },
      }),
      'file.makeDirectory': channel.call('file.makeDirectory', { ...mine, at }),
      'file.rename': channel.call('file.rename', { ...mine, at, to: at }),
      'file.remove': channel.call('file.remove', { ...mine, at }),
      'file.read': channel.open('file.read', { ...mine, at, length: 1 }).done,
    };
    for (const [name, act] of Object.entries(acts)) {
      const code = await codeOf(act);
      assert.ok(code === 'no_space' || (name === 'terminal.start' && code === 'quota_exceeded'), `${name}: ${code}`);
    }
    const more: Record<string, Promise<unknown>> = {
      'file.write': channel.open('file.write', { ...mine, at }).done,
      'port.dial': channel.open('port.dial', { ...mine, port: 9000 }).done,
      'sandbox.create': channel.call('sandbox.create', {
        ...{ sandboxId: mine.sandboxId.replace(/./, 'a') as SandboxId, teamId: newId<TeamId>(), workspaceId: null },
        ...{ template: 'base', tier: 'crun', resources: testResources, environment: {} },
      }),
    };
    for (const [name, act] of Object.entries(more)) {
      const code = await codeOf(act);
      assert.ok(code === 'no_space' || (name === 'sandbox.create' && code === 'quota_exceeded'), `${name}: ${code}`);
    }
    await channel.call('sandbox.kill', theirs);
    rmSync(`${journal}/fill`);
    assert.equal(spawnSync('mount', ['-o', 'remount,size=4m', journal]).status, 0);
    assert.equal((await warden.run(mine, 'ls ~/ran ~/workspace')).stdout, '/home/user/workspace:\n');
  });
});
