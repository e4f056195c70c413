import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();

/** Python that tries each of a table of expressions and prints `name=errno`, or `name=done`. */
const attempts = (table: readonly (readonly [name: string, expression: string, outcome: string])[]): string =>
  [
    'import ctypes, errno, os, socket, stat',
    'c = ctypes.CDLL(None, use_errno=True)',
    'def call(*a):',
    '  r = c.syscall(*a)',
    '  if r == -1: raise OSError(ctypes.get_errno(), "")',
    'def put(path, text="1"):',
    '  fd = os.open(path, os.O_WRONLY); os.write(fd, text.encode())',
    'def attempt(name, act):',
    '  try: act(); print(name + "=done")',
    '  except OSError as e: print(name + "=" + errno.errorcode[e.errno])',
    ...table.map(([name, expression]) => `attempt(${JSON.stringify(name)}, lambda: ${expression})`),
  ].join('\n');

const EPERM = 'EPERM';
const none = 'EAFNOSUPPORT';
const noProtocol = 'EPROTONOSUPPORT';

/** What even root inside is refused; the user too, with this or another errno. */
const refused = [
  ...['core_pattern', 'hostname', 'domainname'].map(
    (n) => [`w ${n}`, `put("/proc/sys/kernel/${n}")`, 'EACCES'] as const,
  ),
  ['w overcommit', 'put("/proc/sys/vm/overcommit_memory")', 'EACCES'],
  ['w user namespaces', 'put("/proc/sys/user/max_user_namespaces")', 'EACCES'],
  ['w time offsets', 'put("/proc/self/timens_offsets", "monotonic 1 0")', EPERM],
  ['w uid_map', 'put("/proc/self/uid_map", "0 0 1")', EPERM],
  ['w oom score', 'put("/proc/self/oom_score_adj", "-1000")', 'EACCES'],
  ['w last pid', 'put("/proc/sys/kernel/ns_last_pid")', 'EROFS'],
  ['w init', 'os.open("/run/casemate-init", os.O_RDWR)', 'EACCES'],
  ['w init exe', 'os.open("/proc/1/exe", os.O_RDWR)', 'EACCES'],
  ['mv init', 'os.rename("/run/casemate-init", "/run/x")', 'EBUSY'],
  ['r kmsg device', 'os.open("/dev/kmsg", os.O_RDONLY)', 'ENOENT'],
  ['r mem device', 'os.open("/dev/mem", os.O_RDONLY)', 'ENOENT'],
  ['r kcore', 'os.open("/proc/kcore", os.O_RDONLY)', 'ENOENT'],
  ['block device', 'os.mknod("/tmp/b", 0o600 | stat.S_IFBLK, os.makedev(7, 0))', EPERM],
  ['trusted xattr', 'os.setxattr("/tmp", "trusted.overlay.opaque", b"y")', EPERM],
  ['uid beyond the range', 'os.chown("/tmp", 70000, 70000)', 'EINVAL'],
  ['kcmp', 'call(312, 1, 1, 0, 0, 0)', EPERM],
  ['syslog', 'call(103, 3, 0, 0)', EPERM],
  ['clock_settime', 'call(227, 0, 0)', EPERM],
  ['sethostname', 'call(170, b"x", 1)', EPERM],
  ['swapon', 'call(167, b"/x", 0)', EPERM],
  ['iopl', 'call(172, 3)', EPERM],
  ['acct', 'call(163, 0)', EPERM],
  ['fanotify', 'call(300, 0, 0)', EPERM],
  ['name_to_handle_at', 'call(303, -100, b"/", 0, 0, 0)', EPERM],
  ['memfd_secret', 'call(447, 0)', EPERM],
  ['move_pages', 'call(279, 0, 0, 0, 0, 0, 0)', EPERM],
  ['vhangup', 'call(153)', EPERM],
  ['modify_ldt', 'call(154, 0, 0, 0)', EPERM],
  ['real-time scheduling', 'call(144, 0, 2, b"\\1\\0\\0\\0")', EPERM],
  ...[
    ['time', 0x80],
    ['mount', 0x20000],
    ['cgroup', 0x2000000],
    ['uts', 0x4000000],
    ['ipc', 0x8000000],
    ['pid', 0x20000000],
    ['network', 0x40000000],
  ].map(([name, flag]) => [`a new ${name} namespace`, `call(272, ${flag})`, EPERM] as const),
  ...[29, 21, 30, 31, 41, 42, 43, 44, 45].map((n) => [`family ${n}`, `socket.socket(${n}, 2, 0)`, none] as const),
  ...[6, 9, 11, 12, 15, 16].map((n) => [`netlink ${n}`, `socket.socket(16, 3, ${n})`, noProtocol] as const),
  ['raw IPv6', 'socket.socket(10, 3, 58)', EPERM],
  ['MPTCP', 'socket.socket(2, 1, 262)', noProtocol],
  ['SCTP with flags', 'socket.socket(2, 0x80001, 132)', noProtocol],
] as const;

describe('what a hostile program tries first', { skip: reason ?? false, timeout: 120_000 }, () => {
  let warden: TestWarden;
  let sandbox: Awaited<ReturnType<TestWarden['create']>>;
  before(async () => {
    warden = await startWarden();
    sandbox = await warden.create({ resources: { processes: 200, cpuPercent: 200 } });
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
  });
  const python = (input: string, user: 'user' | 'root' = 'user', ...parameters: string[]) =>
    warden.run(sandbox, ['/usr/bin/python3', '-', ...parameters], { user, input, workingDirectory: '/tmp' });

  it('H14 is refused to root inside by an exact table, and to the user as well', {
    skip: process.arch === 'x64' ? false : 'numbers are for x86-64',
  }, async () => {
    const asRoot = await python(attempts(refused), 'root');
    const outcomes = refused.map(([name, , outcome]) => `${name}=${outcome}`);
    assert.deepEqual(asRoot.stdout.trim().split('\n'), outcomes, asRoot.stderr);
    const asUser = await python(attempts(refused));
    assert.equal(asUser.stdout.trim().split('\n').length, refused.length, asUser.stderr);
    assert.doesNotMatch(asUser.stdout, /=done/);
  });

  it('H14 learns nothing of the host from proc', async () => {
    const masked = [
      'cmdline',
      'diskstats',
      'kallsyms',
      'keys',
      'key-users',
      'kmsg',
      'partitions',
      'timer_list',
      'misc',
    ];
    for (const user of ['user', 'root'] as const) {
      const run = await warden.run(
        sandbox,
        `cat ${masked.map((name) => `/proc/${name}`).join(' ')} 2>/dev/null; ls /sys`,
        {
          user,
        },
      );
      assert.equal(run.stdout, '', user);
    }
    const seen = await warden.run(sandbox, 'cat /proc/self/cgroup; hostname; ls /dev; env; cat /proc/1/environ', {
      user: 'root',
    });
    for (const secret of [String(warden.pid), warden.config.instance, 'casemate-warden']) {
      assert.ok(!seen.stdout.split(/[^a-z0-9]/).includes(secret), `${secret} is seen inside`);
    }
    assert.match(seen.stdout, /^sandbox$/m);
  });

  it('an abstract Unix socket of the host is not there inside', async () => {
    await using server = (await import('node:net')).createServer();
    const name = `casemate-${process.pid}`;
    await new Promise<void>((resolve) => void server.listen(`\0${name}`, resolve));
    const run = await python(attempts([['host', `socket.socket(1, 1).connect("\\0${name}")`, 'ECONNREFUSED']]), 'root');
    assert.equal(run.stdout, 'host=ECONNREFUSED\n');
  });

  it('H1 a program that waits for the runtime to come in never opens it, its memory or its descriptors', async () => {
    const program = '/usr/bin/crun';
    const digest = (): string => createHash('sha256').update(readFileSync(program)).digest('hex');
    const untouched = digest();
    const wait = [
      'import os, sys, time',
      'me, opened, end = os.getpid(), set(), time.time() + 4',
      'while time.time() < end:',
      '  for p in os.listdir("/proc"):',
      '    if not p.isdigit() or int(p) in (1, 2, me): continue',
      '    try: exe = os.readlink(f"/proc/{p}/exe")',
      '    except OSError: continue',
      '    if exe.startswith("/usr/bin/true"): continue',
      '    for what, flags in (("exe", os.O_RDONLY), ("mem", os.O_RDWR), ("root", os.O_RDONLY), ("fd/3", os.O_RDONLY)):',
      '      try: os.close(os.open(f"/proc/{p}/{what}", flags)); opened.add(exe + " " + what)',
      '      except OSError: pass',
      'print(sorted(opened))',
    ].join('\n');
    for (const attacker of ['root', 'user'] as const) {
      const race = python(wait, attacker);
      let over = false;
      void race.finally(() => {
        over = true;
      });
      let starts = 0;
      for (; !over; starts += 1) await warden.run(sandbox, ['/bin/true'], { user: attacker });
      assert.equal((await race).stdout, '[]\n', attacker);
      assert.ok(starts > 10, `${starts} programs started meanwhile`);
    }
    assert.equal(digest(), untouched);
  });

  it('H1 a working directory that becomes a link to proc while a program starts leads to no place outside', async () => {
    await warden.run(
      sandbox,
      'cd ~; mkdir -p r/a; setsid sh -c "while :; do mv r/a r/b; for t in fd/5 cwd root; do ln -s /proc/self/\\$t r/a; rm r/a; done; mv r/b r/a; done" > /dev/null 2>&1 &',
    );
    const root = (await warden.run(sandbox, 'stat -c %d:%i /')).stdout.trim();
    const home = (await warden.run(sandbox, 'stat -c %d /home/user')).stdout.trim();
    for (let attempt = 0; attempt < 60; attempt += 1) {
      const seen = await warden
        .run(sandbox, 'stat -c %d:%i .', { workingDirectory: '/home/user/r/a', user: 'root' })
        .then(
          ({ stdout }) => stdout.trim(),
          ({ code }: { code: string }) => code,
        );
      const inside = seen === root || seen.startsWith(`${home}:`);
      assert.ok(inside || ['invalid_path', 'not_found', 'sandbox_failed', 'forbidden'].includes(seen), seen);
    }
    await warden.run(sandbox, 'pkill -f "mv r/a"; true');
  });

  it('every namespace is its own', async () => {
    const names = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];
    const run = await warden.run(sandbox, names.map((name) => `readlink /proc/self/ns/${name}`).join('; '));
    const host = names.map((name) => readlinkSync(`/proc/self/ns/${name}`));
    const inside = run.stdout.trim().split('\n');
    assert.equal(inside.length, names.length);
    for (const [index, name] of inside.entries()) assert.notEqual(name, host[index]);
  });

  it('H16 memory of /tmp, /run and shared segments ends at the limit, in the sandbox alone', async () => {
    const small = await warden.create({ resources: { memoryMiB: 64 } });
    for (const fill of [
      'dd if=/dev/zero of=/run/x bs=1M count=100',
      'dd if=/dev/zero of=/dev/shm/x bs=1M count=100',
      'dd if=/dev/zero of=/dev/x bs=1M count=2',
    ]) {
      const run = await warden.run(small, fill, { user: 'root' });
      assert.ok(run.exitCode !== 0, fill);
    }
    const { reply } = await warden.channel.call('sandbox.usage', small);
    assert.ok(reply.memoryBytes <= 64 * 1_048_576);
    assert.equal((await warden.run(sandbox, 'echo alive')).stdout, 'alive\n');
    await warden.channel.call('sandbox.kill', small);
  });

  it('the template is the same for the next sandbox, whatever root did to this one', async () => {
    const one = await warden.create();
    await warden.run(one, 'echo evil > /etc/profile; rm -rf /usr/share/doc /bin/cat; echo x > /usr/bin/evil', {
      user: 'root',
    });
    await warden.channel.call('sandbox.kill', one);
    const next = await warden.create();
    const run = await warden.run(next, 'grep -c evil /etc/profile; ls /usr/bin/evil; /bin/cat /etc/hostname');
    assert.equal(run.stdout, '0\nsandbox\n');
    await warden.channel.call('sandbox.kill', next);
  });
});
