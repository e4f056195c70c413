import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();

/** Python that makes a raw system call and prints its errno, 0 when it worked. */
const rawCall = (number: number, ...parameters: (number | string)[]): string[] => [
  '/usr/bin/python3',
  '-c',
  `import ctypes; c=ctypes.CDLL(None,use_errno=True); r=c.syscall(${[number, ...parameters].join(',')}); print(ctypes.get_errno() if r==-1 else 0)`,
];

describe('the kernel surface of a sandbox', { skip: reason ?? false, timeout: 120_000 }, () => {
  let warden: TestWarden;
  let sandbox: Awaited<ReturnType<TestWarden['create']>>;
  before(async () => {
    warden = await startWarden();
    sandbox = await warden.create();
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
  });

  it('H14 refuses what it must, to root as well', {
    skip: process.arch === 'x64' ? false : 'numbers are for x86-64',
  }, async () => {
    const EPERM = 1;
    const ENOSYS = 38;
    const EAFNOSUPPORT = 97;
    const table: [name: string, call: string[], errno: number][] = [
      ['clone3', rawCall(435, 0, 0), ENOSYS],
      ['unshare of a user namespace', rawCall(272, 0x10000000), EPERM],
      ['clone of a mount namespace', rawCall(56, 0x20011, 0, 0, 0, 0), EPERM],
      ['setns', rawCall(308, 0, 0), EPERM],
      ['mount', rawCall(165, 0, 0, 0, 0, 0), EPERM],
      ['umount2', rawCall(166, 0, 0), EPERM],
      ['pivot_root', rawCall(155, 0, 0), EPERM],
      ['open_tree', rawCall(428, 0, 0, 0), EPERM],
      ['move_mount', rawCall(429, 0, 0, 0, 0, 0), EPERM],
      ['fsopen', rawCall(430, 0, 0), EPERM],
      ['mount_setattr', rawCall(442, 0, 0, 0, 0, 0), EPERM],
      ['io_uring_setup', rawCall(425, 1, 0), EPERM],
      ['bpf', rawCall(321, 0, 0, 0), EPERM],
      ['perf_event_open', rawCall(298, 0, 0, 0, 0, 0), EPERM],
      ['userfaultfd', rawCall(323, 1), EPERM],
      ['keyctl', rawCall(250, 0, 0), EPERM],
      ['add_key', rawCall(248, 0, 0, 0, 0, 0), EPERM],
      ['open_by_handle_at', rawCall(304, 0, 0, 0), EPERM],
      ['init_module', rawCall(175, 0, 0, 0), EPERM],
      ['kexec_load', rawCall(246, 0, 0, 0, 0), EPERM],
      ['a call of the future', rawCall(999), ENOSYS],
      ['AF_VSOCK', rawCall(41, 40, 1, 0), EAFNOSUPPORT],
      ['AF_PACKET', rawCall(41, 17, 3, 0), EAFNOSUPPORT],
      ['AF_ALG', rawCall(41, 38, 5, 0), EAFNOSUPPORT],
      ['SCTP', rawCall(41, 2, 1, 132), 93],
      ['a raw socket', rawCall(41, 2, 3, 1), EPERM],
      ['TIOCSTI', rawCall(16, 0, 0x5412, 0), EPERM],
      ['TIOCSTI with a high word', rawCall(16, 0, '0x100005412', 0), EPERM],
      ['TIOCLINUX', rawCall(16, 0, 0x541c, 0), EPERM],
      ['personality', rawCall(135, 0x0400000), EPERM],
    ];
    for (const user of ['user', 'root'] as const) {
      for (const [name, call, errno] of table) {
        const run = await warden.run(sandbox, call, { user });
        assert.equal(run.stdout, `${errno}\n`, `${name} as ${user}: ${run.stderr}`);
      }
    }
  });

  it('H14 ends a program that makes calls of another architecture', {
    skip: process.arch === 'x64' ? false : 'x32 is of x86-64',
  }, async () => {
    const run = await warden.run(sandbox, rawCall(0x40000000 + 39));
    assert.equal(run.signal, 'SIGSYS');
  });

  it('H14 root inside has neither mounts, nor devices, nor the host network, and no set-uid program works', async () => {
    const run = await warden.run(
      sandbox,
      'mknod /tmp/d c 1 3; mount -t tmpfs x /mnt; cat /proc/kcore | head -c 1; echo 1 > /proc/sys/kernel/sysrq; chroot / true; ls /sys; cp /usr/bin/id /tmp/i; chmod u+s /tmp/i; true',
      { user: 'root' },
    );
    assert.equal(run.stdout, '');
    assert.equal((run.stderr.match(/not permitted|denied|Read-only|No such/gi) ?? []).length, 5, run.stderr);
    assert.match((await warden.run(sandbox, '/tmp/i -u; sudo -n id')).stdout, /^1000\n$/);
  });

  it('root inside installs and owns files, in its own range on the disk', async () => {
    const run = await warden.run(
      sandbox,
      'touch /usr/bin/mine && chown user /usr/bin/mine && stat -c %U /usr/bin/mine',
      { user: 'root' },
    );
    assert.equal(run.stdout, 'user\n', run.stderr);
    const { uid } = statSync(`/run/casemate-${warden.config.instance}/${sandbox.sandboxId}/scratch/upper/usr/bin/mine`);
    assert.ok(uid >= 100_000, 'a file of a guest belongs to a uid of the host');
  });

  it('H1 a working directory on proc is refused', async () => {
    for (const workingDirectory of [
      '/proc',
      '/proc/self/fd',
      '/proc/1/cwd',
      '/proc/self/fd/9',
      '/dev/pts',
      '/none',
      '/etc/passwd',
    ]) {
      await assert.rejects(
        warden.run(sandbox, 'pwd', { workingDirectory }),
        { code: 'invalid_path' },
        workingDirectory,
      );
    }
    await warden.run(sandbox, 'ln -s /proc/self/cwd ~/out');
    await assert.rejects(warden.run(sandbox, 'pwd', { workingDirectory: '/home/user/out' }), { code: 'invalid_path' });
    assert.equal((await warden.run(sandbox, 'pwd', { workingDirectory: '/home/user' })).stdout, '/home/user\n');
  });

  it('H1 a program has three descriptors, and those of the host keep their owner', async () => {
    const nullBefore = statSync('/dev/null');
    const run = await warden.run(sandbox, ['/bin/ls', '/proc/self/fd']);
    assert.deepEqual(run.stdout.trim().split('\n'), ['0', '1', '2', '3']);
    assert.equal(
      (await warden.run(sandbox, 'echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin', { input: 'in' }))
        .stdout,
      'out\nin',
    );
    const nullAfter = statSync('/dev/null');
    assert.deepEqual([nullAfter.uid, nullAfter.gid, nullAfter.mode], [nullBefore.uid, nullBefore.gid, nullBefore.mode]);
    assert.equal(nullAfter.uid, 0, 'crun gave the null device of the host away');
  });

  it('sandboxes see neither each other nor the host', async () => {
    const other = await warden.create();
    await warden.run(other, 'echo private > ~/x; setsid sleep 60 > /dev/null 2>&1 &');
    const run = await warden.run(sandbox, 'ls -A /home/user; ps -e -o comm= | sort -u | tr "\\n" " "; ls /run', {
      user: 'root',
    });
    assert.ok(!run.stdout.includes('private') && !/node|postgres/.test(run.stdout), run.stdout);
    assert.match(run.stdout, /casemate-init/);
    await warden.channel.call('sandbox.kill', other);
  });
});

describe('H1 a descriptor that leaks', { skip: reason ?? false, timeout: 60_000 }, () => {
  it('H1 into the warden on purpose reaches no program in a sandbox', async () => {
    const leaked = openSync('/', 'r');
    // Number 40 lies beyond those that Node itself marks at its start.
    await using warden = await startWarden({ leakedFd: leaked });
    closeSync(leaked);
    const open = spawnSync('ls', ['-l', `/proc/${warden.pid}/fd/40`], { encoding: 'utf8' });
    assert.match(open.stdout, /-> \/\n$/, 'nothing was leaked, so nothing is tested');
    const sandbox = await warden.create();
    const record = `${warden.config.stateDirectory}/sandboxes/${sandbox.sandboxId}/sandbox.json`;
    const { init } = JSON.parse(readFileSync(record, 'utf8')) as { init: { pid: number } };
    assert.deepEqual(readdirSync(`/proc/${init.pid}/fd`).toSorted(), ['0', '1', '2'], 'create handed it on');
    for (const user of ['user', 'root'] as const) {
      const run = await warden.run(
        sandbox,
        'ls -l /proc/self/fd /proc/1/fd 2>/dev/null; for p in /proc/[0-9]*/fd/*; do test -e $p/usr/sbin/init -o -e $p/boot/vmlinuz && echo LEAK; done; true',
        { user },
      );
      assert.ok(!run.stdout.includes('LEAK') && !/ -> \/$/m.test(run.stdout), run.stdout);
    }
    await assert.rejects(warden.run(sandbox, 'pwd', { workingDirectory: '/proc/self/fd/40' }), {
      code: 'invalid_path',
    });
  });
});
