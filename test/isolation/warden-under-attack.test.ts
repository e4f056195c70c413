import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SandboxId, TeamId, WorkspaceId } from '#base/ids.ts';
import { leftovers, nothingLeft } from '../support/leftovers.ts';
import { newId, startWarden, type TestWarden, testResources, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();
const leftOf = async (warden: TestWarden) => {
  const { descriptors: _, ...rest } = await leftovers(warden);
  return rest;
};

describe('the warden outlives', { skip: reason ?? false, timeout: 120_000 }, () => {
  it('H16 a guest that resets every connection to its ports', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const server = [
      'import os, socket, struct, sys',
      'l = socket.socket(); l.setsockopt(1, 2, 1); l.bind(("127.0.0.1", 9000)); l.listen(16)',
      'if os.fork(): sys.exit(0)',
      'os.setsid()',
      'for f in (0, 1, 2): os.close(f)',
      'while True:',
      '  c, _ = l.accept(); c.recv(10); c.setsockopt(1, 13, struct.pack("ii", 1, 0)); c.close()',
    ].join('\n');
    await warden.run(sandbox, ['/usr/bin/python3', '-'], { input: server });
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const call = warden.channel.open('port.dial', { ...sandbox, port: 9000 });
      for (let item = 0; item < 20; item += 1) call.send({}, Buffer.alloc(60_000)).catch(() => undefined);
      await call.done.catch((error: { code?: string }) => assert.notEqual(error.code, 'unavailable'));
    }
    assert.equal((await warden.run(sandbox, 'echo alive')).stdout, 'alive\n');
  });

  it('a broker in wrong hands, which speaks as only Node itself should', async () => {
    const brokerEntry = fileURLToPath(new URL('../support/hostile-broker.ts', import.meta.url));
    await using warden = await startWarden({ brokerEntry });
    await sleep(1000);
    const sandbox = await warden.create();
    assert.equal((await warden.run(sandbox, 'echo alive')).stdout, 'alive\n');
    await warden.channel.call('sandbox.kill', sandbox);
    // Disposing it fails when it ended meanwhile by itself.
  });

  it('a flood of output beside which a neighbour is answered', async () => {
    await using warden = await startWarden();
    const [loud, quiet] = [await warden.create(), await warden.create()];
    const floods = Array.from({ length: 3 }, () => {
      const call = warden.channel.open('exec.run', {
        ...loud,
        arguments: ['/usr/bin/yes'],
        workingDirectory: { path: '/' },
        environment: {},
        user: 'user',
        timeoutMs: 60_000,
      });
      // Nobody reads the third: it must wait, not be kept in memory.
      call.done.catch(() => undefined);
      return call;
    });
    for (const call of floods.slice(0, 2)) {
      void (async () => {
        for await (const _ of call.items);
      })().catch(() => undefined);
    }
    for (let turn = 0; turn < 5; turn += 1) {
      const startedMs = performance.now();
      assert.equal((await warden.run(quiet, 'echo heard')).stdout, 'heard\n');
      assert.ok(performance.now() - startedMs < 5000, 'the neighbour waited too long');
    }
    const status = readFileSync(`/proc/${warden.pid}/status`, 'utf8');
    const memory = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
    assert.ok(memory < 600_000, `the warden holds ${memory} KiB`);
    await warden.channel.call('sandbox.kill', loud);
  });
});

describe('the end of a sandbox', { skip: reason ?? false, timeout: 120_000 }, () => {
  it('H9 comes to a frozen one too, and to one below a frozen group', async () => {
    await using warden = await startWarden();
    for (const below of ['', undefined]) {
      const sandbox = await warden.create();
      await warden.run(sandbox, 'for i in 1 2 3; do setsid sleep 100 > /dev/null 2>&1 & done');
      const group = `casemate-${warden.config.instance}${below === '' ? '' : `/${sandbox.sandboxId}`}`;
      const [first, second] = [
        `/sys/fs/cgroup/freezer/${group}/freezer.state`,
        `/sys/fs/cgroup/${group}/cgroup.freeze`,
      ];
      const v1 = existsSync(first);
      writeFileSync(v1 ? first : second, v1 ? 'FROZEN' : '1');
      await warden.channel.call('sandbox.kill', sandbox);
      if (below === '') writeFileSync(v1 ? first : second, v1 ? 'THAWED' : '0');
      assert.deepEqual(await leftOf(warden), nothingLeft);
    }
  });

  it('H6 breaks off work on its files, so that the disk is never mounted twice', async () => {
    await using warden = await startWarden();
    const owner = { workspaceId: newId<WorkspaceId>(), teamId: newId<TeamId>() };
    for (let round = 0; round < 4; round += 1) {
      const sandbox = await warden.create(owner);
      await warden.run(sandbox, `echo ${round} >> ~/workspace/log; sync`);
      const write = warden.channel.open('file.write', { ...sandbox, at: { path: '/home/user/workspace/never' } });
      await write.send({}, Buffer.alloc(1000));
      const flood = warden.run(sandbox, 'yes').catch(({ code }: { code: string }) => code);
      await sleep(50);
      const [again] = await Promise.allSettled([warden.create(owner), warden.channel.call('sandbox.kill', sandbox)]);
      await assert.rejects(write.done);
      await flood;
      if (again.status === 'fulfilled') await warden.channel.call('sandbox.kill', again.value);
      else assert.equal((again.reason as { code: string }).code, 'conflict');
    }
    const last = await warden.create(owner);
    const run = await warden.run(last, 'cat ~/workspace/log; ls ~/workspace');
    assert.equal(run.stdout, '0\n1\n2\n3\nlog\n');
    await warden.channel.call('sandbox.kill', last);
    assert.deepEqual(await leftOf(warden), { ...nothingLeft, ranges: 1 });
  });

  it('and its beginning do not overlap, however they are asked for', async () => {
    await using warden = await startWarden();
    for (const pauseMs of [0, 20, 60, 120]) {
      const owned = { sandboxId: newId<SandboxId>(), teamId: newId<TeamId>() };
      const create = warden.channel.call('sandbox.create', {
        ...owned,
        workspaceId: null,
        template: 'base',
        tier: 'crun',
        resources: testResources,
        environment: {},
      });
      await sleep(pauseMs);
      await Promise.all([create, ...[0, 1].map(() => warden.channel.call('sandbox.kill', owned))]);
    }
    assert.deepEqual(await leftOf(warden), nothingLeft);
  });
});

describe('sandbox.create', { skip: reason ?? false, timeout: 120_000 }, () => {
  it('holds its maximum when all come at once', async () => {
    await using warden = await startWarden({ config: { maximumSandboxes: 3 } });
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => warden.create()));
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 3);
    for (const one of all) {
      if (one.status === 'rejected') assert.equal((one.reason as { code: string }).code, 'quota_exceeded');
    }
  });

  it('leaves nothing when the runtime fails before or after it started the sandbox, or is killed', async (t) => {
    const directory = await mkdtemp('/tmp/casemate-runtime-');
    t.after(() => rm(directory, { recursive: true }));
    const failures = ['exit 1', '/usr/bin/crun "$@"; exit 1', '/usr/bin/crun "$@"; kill -9 $$'];
    for (const failure of failures) {
      const program = `${directory}/crun`;
      writeFileSync(program, `#!/bin/sh\ncase "$*" in *" run "*) ${failure};; esac\nexec /usr/bin/crun "$@"\n`);
      chmodSync(program, 0o755);
      await using warden = await startWarden({ config: { runtimes: { crun: program } } });
      await assert.rejects(warden.create(), { code: 'sandbox_failed' }, failure);
      assert.deepEqual(await leftOf(warden), nothingLeft, failure);
      const owner = { workspaceId: newId<WorkspaceId>(), teamId: newId<TeamId>() };
      await assert.rejects(warden.create(owner), { code: 'sandbox_failed' }, failure);
      assert.deepEqual(await leftOf(warden), { ...nothingLeft, ranges: 1 }, failure);
    }
  });

  it('leaves nothing when the root cannot be mounted', async (t) => {
    const directory = await mkdtemp('/tmp/casemate-template-');
    t.after(() => rm(directory, { recursive: true }));
    mkdirSync(`${directory}/base`);
    writeFileSync(`${directory}/base/rootfs`, 'a file where a directory should be');
    await using warden = await startWarden({ config: { templatesDirectory: directory } });
    await assert.rejects(warden.create());
    assert.deepEqual(await leftOf(warden), nothingLeft);
  });

  it('on a full disk is refused and leaves nothing, while what runs can still be ended', async (t) => {
    const stateDirectory = await mkdtemp('/tmp/casemate-full-');
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=700', 'tmpfs', stateDirectory]);
    t.after(async () => {
      spawnSync('umount', [stateDirectory]);
      await rm(stateDirectory, { recursive: true });
    });
    await using warden = await startWarden({ config: { stateDirectory, reserveMiB: 0 } });
    const first = await warden.create();
    // What the warden makes beforehand is made now, or never: it takes room as well.
    const fill = openSync(`${stateDirectory}/fill`, 'w');
    assert.throws(
      () => {
        for (;;) writeSync(fill, Buffer.alloc(65_536));
      },
      { code: 'ENOSPC' },
    );
    closeSync(fill);
    await assert.rejects(warden.create(), { code: 'no_space' });
    assert.equal((await warden.channel.call('sandbox.list', {})).reply.sandboxes.length, 1);
    await assert.rejects(warden.run(first, 'echo alive'), { code: 'no_space' });
    await warden.channel.call('sandbox.kill', first);
    rmSync(`${stateDirectory}/fill`);
    assert.deepEqual(await leftOf(warden), nothingLeft);
    const next = await warden.create();
    assert.equal((await warden.run(next, 'echo alive')).stdout, 'alive\n');
  });
});
