import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { wardenLimitsSchema } from '#config/process.ts';
import { startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();
/** Beyond what a busy machine makes a sound process wait. */
const stallMs = 2000;
type Sandbox = Awaited<ReturnType<TestWarden['create']>>;

describe('H6 the process that works on files', { skip: reason ?? false, timeout: 60_000 }, () => {
  let warden: TestWarden;
  let first: Sandbox;
  let second: Sandbox;
  let leaked: number;
  before(async () => {
    // Number 40 lies beyond those that Node itself marks at its start.
    leaked = openSync('/', 'r');
    warden = await startWarden({
      leakedFd: leaked,
      config: { limits: wardenLimitsSchema.parse({ fileStallMs: stallMs }) },
    });
    [first, second] = await Promise.all([warden.create(), warden.create()]);
  });
  after(async () => {
    closeSync(leaked);
    await warden?.[Symbol.asyncDispose]();
  });

  const at = (path: string) => ({ path: `/home/user/workspace/${path}` });
  const stat = (sandbox: Sandbox, path: string) => warden.channel.call('file.stat', { ...sandbox, at: at(path) });
  const open = (sandbox: Sandbox, path: string, durable = false) =>
    warden.channel.open('file.write', { ...sandbox, at: at(path), durable });
  const write = async (sandbox: Sandbox, path: string, text: string, durable = false) => {
    const call = open(sandbox, path, durable);
    await call.send({}, Buffer.from(text));
    call.end();
    return call.done;
  };
  const record = ({ sandboxId }: Sandbox): { firstUid: number; init: { pid: number } } =>
    JSON.parse(readFileSync(`${warden.config.stateDirectory}/sandboxes/${sandboxId}/sandbox.json`, 'utf8'));
  /** The pid of the process that works on the sandbox's files. */
  const processOf = (sandbox: Sandbox): number | undefined => {
    const arguments_ = `file-program.ts\0${warden.config.stateDirectory}/empty\0${record(sandbox).firstUid + 1000}\0`;
    const pid = readdirSync('/proc').find((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(arguments_);
      } catch {
        return false;
      }
    });
    return pid === undefined ? undefined : Number(pid);
  };

  it('H6 has the ids of the sandbox, no capability, no program to start, no network and no directory but the sandbox', async () => {
    await write(first, 'a', 'one');
    const pid = processOf(first) ?? 0;
    const uid = record(first).firstUid + 1000;
    const threads = readdirSync(`/proc/${pid}/task`);
    for (const thread of threads) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
      const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
      assert.deepEqual(
        ['Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs', 'Seccomp'].map(field),
        [
          ...[`${uid}\t${uid}\t${uid}\t${uid}`, `${uid}\t${uid}\t${uid}\t${uid}`, ''],
          ...[...Array.from({ length: 4 }, () => '0000000000000000'), '1', '2'],
        ],
      );
      assert.notEqual(readlinkSync(`/proc/${pid}/task/${thread}/ns/net`), readlinkSync('/proc/self/ns/net'));
    }
    assert.equal(readlinkSync(`/proc/${pid}/root`), `${warden.config.stateDirectory}/empty`);
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    assert.ok(
      open.every((target) => /^(\/|\/dev\/null|(socket|pipe):\[\d+\]|anon_inode:.*)$/.test(target)),
      open.join(' '),
    );
    // Descriptor 4 is the sandbox's root. That of the host, leaked as 40, is not there.
    assert.deepEqual(
      readdirSync(`/proc/${pid}/fd`).filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === '/'),
      ['4'],
    );
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').filter(Boolean);
    assert.deepEqual(environment.map((line) => line.split('=')[0]).toSorted(), [
      ...['LC_ALL', 'PATH', 'UV_THREADPOOL_SIZE'],
    ]);
    assert.equal(processOf(second), undefined, 'it starts with the first work only');
  });

  it('H6 killed in mid-write leaves the old file whole, loses nothing acknowledged, and is started again', async () => {
    await write(first, 'kept', 'old', true);
    for (let round = 0; round < 2; round += 1) {
      const call = open(first, 'kept');
      call.done.catch(() => undefined);
      for (let item = 0; item < 6; item += 1) await call.send({}, Buffer.alloc(60_000, 'x'));
      await sleep(30);
      process.kill(processOf(first) ?? 0, 'SIGKILL');
      await assert.rejects(call.done, { code: 'unavailable' });
      assert.equal((await stat(first, 'kept')).reply.size, 3);
    }
    assert.equal((await warden.run(first, 'cat ~/workspace/kept; ls -A ~/workspace')).stdout, 'olda\nkept\n');
    await write(first, 'kept', 'newer');
    process.kill(processOf(first) ?? 0, 'SIGKILL');
    assert.equal((await warden.run(first, 'cat ~/workspace/kept')).stdout, 'newer');
  });

  it('H6 that hangs on one disk is broken off, and holds up no other sandbox meanwhile', async () => {
    const disk = `/run/casemate-${warden.config.instance}/${first.sandboxId}/scratch`;
    await Promise.all([stat(first, ''), stat(second, '')]);
    assert.equal(spawnSync('fsfreeze', ['--freeze', disk]).status, 0);
    let served = 0;
    try {
      const hung = write(first, 'hung', 'x').then(
        () => assert.fail('it was written to a frozen disk'),
        (error: { code: string }) => error.code,
      );
      let code: string | undefined;
      void hung.then((answer) => {
        code = answer;
      });
      while (code === undefined) {
        await write(second, 'b', 'quick');
        served += 1;
        await sleep(50);
      }
      assert.equal(code, 'timed_out');
      assert.ok(served >= 3, `the neighbour was served ${served} times meanwhile`);
      await assert.rejects(write(first, 'hung', 'x'), { code: 'unavailable' });
    } finally {
      spawnSync('fsfreeze', ['--unfreeze', disk]);
    }
    await sleep(100);
    await write(first, 'thawed', 'x');
    assert.equal((await stat(first, 'thawed')).reply.size, 1);
  });

  it('H6 takes so many acts of one sandbox at once, and no more', async () => {
    const calls = Array.from({ length: 20 }, (_, index) => open(second, `many-${index}`));
    await sleep(300);
    const outcomes = calls.map(({ done }) =>
      done.then(
        () => 'written',
        ({ code }: { code: string }) => code,
      ),
    );
    for (const call of calls) call.end();
    const seen = await Promise.all(outcomes);
    assert.deepEqual([...new Set(seen)].toSorted(), ['rate_limited', 'written']);
    assert.equal(seen.filter((one) => one === 'written').length, 16);
  });

  it('H6 ends with its sandbox', async () => {
    const pid = processOf(second);
    assert.notEqual(pid, undefined);
    await warden.channel.call('sandbox.kill', second);
    assert.throws(() => process.kill(pid ?? 0, 0), { code: 'ESRCH' });
  });

  it('H6 ends with a warden that is killed, and the next one starts another', async () => {
    await stat(first, 'a');
    const pid = processOf(first) ?? 0;
    await warden.kill();
    for (let wait = 0; wait < 100 && processOf(first) === pid; wait += 1) await sleep(20);
    assert.equal(processOf(first), undefined);
    await warden.restart();
    assert.equal((await stat(first, 'a')).reply.size, 3);
  });
});
