import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();
const home = readlinkSync('/proc/self/ns/net');

const program = fileURLToPath(new URL('../support/lost-way-back.ts', import.meta.url));

describe('H2 the thread that goes into the networks of sandboxes', { skip: reason ?? false, timeout: 60_000 }, () => {
  const holders: ChildProcess[] = [];
  const namespaceOf = async (): Promise<string> => {
    const holder = spawn('/usr/bin/unshare', ['--net', '/bin/sh', '-c', 'ip link set lo up; exec sleep 60'], {
      stdio: 'ignore',
    });
    holders.push(holder);
    const path = `/proc/${holder.pid}/ns/net`;
    while (readlinkSync(path) === home || readFileSync(`/proc/${holder.pid}/comm`, 'latin1') !== 'sleep\n') {
      await sleep(5);
    }
    return path;
  };
  let there: string;
  let elsewhere: string;
  before(async () => {
    [there, elsewhere] = await Promise.all([namespaceOf(), namespaceOf()]);
  });
  after(() => {
    for (const holder of holders) holder.kill('SIGKILL');
  });
  const run = (how: 'none' | 'closed' | 'elsewhere') =>
    spawnSync(process.execPath, [program, how, there, elsewhere], { encoding: 'utf8', timeout: 10_000 });

  it('H2 comes back when nothing is in its way', () => {
    const { status, stdout } = run('none');
    assert.deepEqual([status, stdout], [0, 'ways 1\ncame back\n']);
  });

  for (const how of ['closed', 'elsewhere'] as const) {
    it(`H2 takes the process with it when its way back is ${how === 'closed' ? 'closed' : 'a way into another network'}`, () => {
      const { status, signal, stdout } = run(how);
      assert.deepEqual([status, signal, stdout], [null, 'SIGKILL', 'ways 1\n']);
    });
  }

  it('H2 is the only one of the warden that is ever away, and no program is started from there', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const server = [
      'import os, socket, sys',
      'l = socket.socket(); l.bind(("127.0.0.1", 9000)); l.listen(64)',
      'if os.fork(): sys.exit(0)',
      'os.setsid()',
      'for f in (0, 1, 2): os.close(f)',
      'while True: l.accept()[0].close()',
    ].join('\n');
    await warden.run(sandbox, ['/usr/bin/python3', '-'], { input: server });
    const tasks = `/proc/${warden.pid}/task`;
    const away = new Set<string>();
    const seen = new Set<string>();
    const children = new Set<string>();
    const look = (): void => {
      for (const thread of readdirSync(tasks)) {
        try {
          const name = readFileSync(`${tasks}/${thread}/comm`, 'latin1').trim();
          seen.add(`${thread} ${name}`);
          if (readlinkSync(`${tasks}/${thread}/ns/net`) !== home) away.add(thread);
          for (const pid of readFileSync(`${tasks}/${thread}/children`, 'latin1').split(' ').filter(Boolean)) {
            const namespace = readlinkSync(`/proc/${pid}/ns/net`);
            // Programs of the guest are the warden's to reap, and in their own network.
            if (existsSync(`/proc/${pid}/root/run/casemate-init`)) continue;
            if (namespace !== home) children.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').join(' '));
          }
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'EACCES') throw error;
        }
      }
    };
    let done = false;
    const work = async (): Promise<void> => {
      for (let round = 0; round < 30; round += 1) {
        const dials = Array.from({ length: 10 }, () => {
          const call = warden.channel.open('port.dial', { ...sandbox, port: 9000 });
          call.end();
          return call.done;
        });
        await Promise.all([...dials, round % 10 === 0 ? warden.run(sandbox, 'true') : undefined]);
      }
    };
    const working = work().finally(() => {
      done = true;
    });
    while (!done) {
      look();
      await sleep(1);
    }
    await working;
    look();
    const pool = [...seen].filter((thread) => thread.endsWith('libuv-worker'));
    assert.ok(pool.length >= 4, [...seen].join(', '));
    assert.ok(away.size <= 1, `${away.size} threads were away`);
    for (const thread of readdirSync(tasks)) assert.equal(readlinkSync(`${tasks}/${thread}/ns/net`), home);
    assert.deepEqual([...children], []);
  });
});
