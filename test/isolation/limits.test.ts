import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();

describe('limits of a sandbox', { skip: reason ?? false, timeout: 120_000 }, () => {
  let warden: TestWarden;
  before(async () => {
    warden = await startWarden();
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
  });

  it('H16 the disk ends inside with ENOSPC and the host keeps its room', async () => {
    const sandbox = await warden.create({ resources: { diskMiB: 64 } });
    const free = async (): Promise<number> => {
      const { bavail, bsize } = await statfs(warden.directory);
      return (bavail * bsize) / 1_048_576;
    };
    const beforeMiB = await free();
    const run = await warden.run(
      sandbox,
      'dd if=/dev/zero of=$HOME/fill bs=1M count=200 2>&1; sync; ls -s --block-size=M $HOME/fill',
    );
    assert.match(run.stdout, /No space left on device/);
    assert.ok(Number(/(\d+)M /.exec(run.stdout)?.[1]) < 64, run.stdout);
    assert.ok(beforeMiB - (await free()) < 100, 'the host lost more than the disk of the sandbox');
    const { reply } = await warden.channel.call('sandbox.usage', sandbox);
    assert.ok(reply.diskUsedBytes > 0.9 * reply.diskTotalBytes && reply.diskTotalBytes <= 64 * 1_048_576);
    await warden.channel.call('sandbox.kill', sandbox);
  });

  it('H16 inodes end inside with ENOSPC', async () => {
    const sandbox = await warden.create({ resources: { inodes: 4096 } });
    const script =
      'import os\nn=0\ntry:\n  while True:\n    open(os.path.expanduser(f"~/f{n}"),"w").close(); n+=1\nexcept OSError as e: print(n, e.errno)';
    const run = await warden.run(sandbox, ['/usr/bin/python3', '-c', script]);
    const [count = 0, errno] = run.stdout.trim().split(' ').map(Number);
    assert.equal(errno, 28);
    assert.ok(count > 3000 && count <= 4096, run.stdout);
    await warden.channel.call('sandbox.kill', sandbox);
  });

  it('a program that takes more memory than the limit is killed, the sandbox and the host are not', async () => {
    const sandbox = await warden.create({ resources: { memoryMiB: 64 } });
    const run = await warden.run(sandbox, [
      '/usr/bin/python3',
      '-c',
      'x = bytearray(200 * 1024 * 1024); print(len(x))',
    ]);
    assert.equal(run.signal, 'SIGKILL');
    assert.equal(run.stdout, '');
    assert.equal((await warden.run(sandbox, 'echo alive')).stdout, 'alive\n');
    await warden.channel.call('sandbox.kill', sandbox);
  });

  it('memory of /dev/shm counts', async () => {
    const sandbox = await warden.create({ resources: { memoryMiB: 64 } });
    const run = await warden.run(sandbox, 'dd if=/dev/zero of=/dev/shm/x bs=1M count=200 2>&1; true');
    assert.match(run.stdout + run.stderr, /No space left|Killed|^$/m);
    const { reply } = await warden.channel.call('sandbox.usage', sandbox);
    assert.ok(reply.memoryBytes <= 64 * 1_048_576);
    await warden.channel.call('sandbox.kill', sandbox);
  });

  it('a fork bomb stops at the limit of processes and ends with its time', async () => {
    const sandbox = await warden.create({ resources: { processes: 24 } });
    const run = await warden.run(sandbox, 'for i in $(seq 100); do sleep 30 & done 2>&1; jobs -p | wc -l', {
      timeoutMs: 4000,
    });
    assert.match(run.stdout + run.stderr, /Resource temporarily unavailable|Cannot fork|retry/);
    const { reply } = await warden.channel.call('sandbox.usage', sandbox);
    assert.ok(reply.processes <= 24, String(reply.processes));
    await warden.channel.call('sandbox.kill', sandbox);
  });

  it('CPU time is held to its quota', async () => {
    const sandbox = await warden.create({ resources: { cpuPercent: 20 } });
    await warden.run(sandbox, 'while :; do :; done', { timeoutMs: 1500 });
    const { reply } = await warden.channel.call('sandbox.usage', sandbox);
    assert.ok(reply.cpuMicroseconds < 700_000, `${reply.cpuMicroseconds} µs of CPU in 1.5 s at a fifth`);
    await warden.channel.call('sandbox.kill', sandbox);
  });

  it('all sandboxes together weigh less on the disks than the machine, where the kernel weighs', (t) => {
    const file = `/sys/fs/cgroup/blkio/casemate-${warden.config.instance}/blkio.bfq.weight`;
    if (!existsSync(file)) return t.skip(`this kernel has no ${file}`);
    assert.match(readFileSync(file, 'latin1'), /\b50\b/);
  });

  it('more than the configured maximum is refused before anything is made', async () => {
    await assert.rejects(warden.create({ resources: { memoryMiB: 1_000_000 } }), { code: 'quota_exceeded' });
    const { reply } = await warden.channel.call('sandbox.list', {});
    assert.deepEqual(reply.sandboxes, []);
  });
});

describe('the reserve of the host', { skip: reason ?? false, timeout: 60_000 }, () => {
  it('refuses new sandboxes below it', async () => {
    await using warden = await startWarden({ config: { reserveMiB: 1_000_000_000 } });
    await assert.rejects(warden.create(), { code: 'no_space' });
  });
});
