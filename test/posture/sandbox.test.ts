import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { WorkspaceId } from '#base/ids.ts';
import { newId, startWarden, type TestWarden, testResources, whySandboxesCannotRun } from '../support/start-warden.ts';
import { expectedInside, optionalInside } from './expected-inside.ts';
import { expectedMounts } from './expected-mounts.ts';
import { lookInside } from './look-inside.ts';

const reason = whySandboxesCannotRun();

const none = '0000000000000000';
/** CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE (capability.h). */
const rootSet = '00000000000004fb';

const statusLines = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|Seccomp_filters):[ \t]*(.*?)[ \t]*$/gm)].map(
      (match) => [match[1] ?? '', (match[2] ?? '').replaceAll('\t', ' ')],
    ),
  );

describe('the posture of a live sandbox, seen from outside', { skip: reason ?? false, timeout: 60_000 }, () => {
  let warden: TestWarden;
  let sandbox: Awaited<ReturnType<TestWarden['create']>>;
  let init: number;
  let firstUid: number;
  /** The same with a disk that outlives it. */
  let other: typeof sandbox;
  let otherInit: number;
  before(async () => {
    warden = await startWarden();
    sandbox = await warden.create();
    other = await warden.create({ workspaceId: newId<WorkspaceId>() });
    const recordOf = ({ sandboxId }: typeof sandbox) =>
      JSON.parse(readFileSync(`${warden.config.stateDirectory}/sandboxes/${sandboxId}/sandbox.json`, 'utf8'));
    init = recordOf(sandbox).init.pid;
    otherInit = recordOf(other).init.pid;
    firstUid = recordOf(sandbox).firstUid;
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
  });
  const proc = (name: string): string => readFileSync(`/proc/${init}/${name}`, 'utf8');

  it('its init has no capability, no new privileges, a filter and ids of its range', () => {
    const four = Array(4).fill(firstUid).join(' ');
    assert.deepEqual(statusLines(proc('status')), {
      Uid: four,
      Gid: four,
      Groups: '',
      CapInh: none,
      CapPrm: none,
      CapEff: none,
      CapBnd: none,
      CapAmb: none,
      NoNewPrivs: '1',
      Seccomp: '2',
      Seccomp_filters: '1',
    });
    for (const map of ['uid_map', 'gid_map'])
      assert.deepEqual(proc(map).trim().split(/\s+/), ['0', String(firstUid), '65536']);
  });

  it('programs of its user have nothing, programs of its root the small set', async () => {
    const table = { user: ['1000', none], root: ['0', rootSet] } as const;
    for (const [user, [id, capabilities]] of Object.entries(table)) {
      const run = await warden.run(sandbox, ['/bin/cat', '/proc/self/status'], { user: user as 'user' | 'root' });
      assert.deepEqual(statusLines(run.stdout), {
        Uid: `${id} ${id} ${id} ${id}`,
        Gid: `${id} ${id} ${id} ${id}`,
        Groups: '',
        CapInh: none,
        CapPrm: capabilities,
        CapEff: capabilities,
        CapBnd: capabilities,
        CapAmb: none,
        NoNewPrivs: '1',
        Seccomp: '2',
        Seccomp_filters: '1',
      });
    }
  });

  it('H14 every namespace is its own, of the host and of each other, but that of time', () => {
    const rows = readdirSync('/proc/self/ns').map((name) => {
      const of = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/${name}`);
      const whose = of(init) === of('self') ? 'of the host' : of(init) === of(otherInit) ? 'of another' : 'its own';
      return `${name}: ${whose}`;
    });
    // The clocks of the host: a time namespace would offer others, and none is asked for.
    const shared = ['time', 'time_for_children'];
    const names = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'pid_for_children', ...shared, 'user', 'uts'];
    assert.deepEqual(
      rows.sort(),
      names.map((name) => `${name}: ${shared.includes(name) ? 'of the host' : 'its own'}`),
    );
  });

  it('H14 a program finds exactly the world of the table around it', async () => {
    const limitOf = (text: string): string[] =>
      text
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => `limit ${line.trim().replaceAll(/ {2,}/g, ' | ')}`);
    const ofWarden = limitOf(readFileSync(`/proc/${warden.pid}/limits`, 'utf8'));
    // Counted in its user namespace, or by uid, and so the sandbox's own; what is left is as the machine has it.
    const inherited = ofWarden.filter((line) => !/^limit Max (open files|core file size) /.test(line));
    const files = /^limit Max open files \| (\d+) \| \1 \| files$/;
    for (const [kind, owned] of Object.entries({ alone: sandbox, 'with a workspace': other })) {
      for (const user of ['user', 'root'] as const) {
        const run = await warden.run(owned, ['/usr/bin/python3', '-I', '-'], { user, input: lookInside });
        const facts = run.stdout.split('\n').map((line) => line.trimEnd());
        const limit = Number(facts.map((line) => files.exec(line)?.[1]).find(Boolean));
        assert.ok(limit >= 1024 && limit <= 65_536, `${limit} open files`);
        const found = facts.filter(
          (line) =>
            line !== '' &&
            !files.test(line) &&
            !inherited.includes(line) &&
            !optionalInside.some((one) => one.test(line)),
        );
        assert.deepEqual(
          [...new Set(found)].toSorted(),
          expectedInside[user],
          `${user} of a sandbox ${kind}${run.stderr}`,
        );
      }
    }
  });

  it('its mounts are those of the table and no others', () => {
    const mounts = proc('mountinfo')
      .trim()
      .split('\n')
      .map((line) => {
        const [, , , root, target, options, ...rest] = line.split(' ');
        const type = rest[rest.indexOf('-') + 1];
        return `${target} ${type} ${options?.replace(',relatime', '')}${type === 'devtmpfs' ? ` ${root}` : ''}`;
      });
    // A masked path that this kernel does not have is not mounted over.
    const optional = expectedMounts.filter(({ masked }) => masked).map(({ line }) => line);
    const required = expectedMounts.filter(({ masked }) => !masked).map(({ line }) => line);
    assert.deepEqual(mounts.filter((line) => !optional.includes(line)).sort(), required.sort());
    assert.ok(mounts.length > required.length, 'nothing is masked');
  });

  it('H16 what it may write into memory is bounded in bytes and files', () => {
    const bounds = [...proc('mountinfo').matchAll(/^(?:\S+ ){4}(\/(?!proc\/)\S*) .* - tmpfs \S+ (\S+)$/gm)].map(
      ([, target, options]) => `${target} ${options?.match(/(size|nr_inodes)=\w+/g)?.join(' ')}`,
    );
    assert.deepEqual(bounds.sort(), [
      '/dev size=64k nr_inodes=64',
      `/dev/shm size=${testResources.memoryMiB * 512}k nr_inodes=65536`,
      '/run size=16384k nr_inodes=4096',
    ]);
  });

  it('its limits are those of the configuration', () => {
    const limits = proc('limits');
    assert.match(limits, /^Max core file size +0 +0 /m);
    const files = Number(/^Max open files +(\d+) +\1 /m.exec(limits)?.[1]);
    assert.ok(files >= 1024 && files <= 65_536);
    assert.equal(proc('oom_score_adj').trim(), '0');
    const group = `/casemate-${warden.config.instance}/${sandbox.sandboxId}`;
    for (const line of proc('cgroup').trim().split('\n')) assert.ok(line.endsWith(`:${group}`), line);
    const memory = '/sys/fs/cgroup/memory';
    const bytes = testResources.memoryMiB * 1_048_576;
    const value = (v1: string, v2: string): string => {
      for (const file of [v1, `/sys/fs/cgroup${group}/${v2}`]) {
        try {
          return readFileSync(file, 'utf8').trim();
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        }
      }
      throw new Error(`neither ${v1} nor ${v2} is there`);
    };
    assert.equal(value(`${memory}${group}/memory.limit_in_bytes`, 'memory.max'), String(bytes));
    assert.equal(value(`/sys/fs/cgroup/pids${group}/pids.max`, 'pids.max'), String(testResources.processes + 3));
    assert.match(value(`/sys/fs/cgroup/cpu${group}/cpu.cfs_quota_us`, 'cpu.max'), /^100000( 100000)?$/);
  });

  it('its devices are seven, and none can be made or replaced', async () => {
    const run = await warden.run(
      sandbox,
      'stat -c "%n %F" /dev/* /dev/pts/* | grep "special file" | cut -d " " -f 1 | sort; rm -f /dev/null; touch /dev/x',
      { user: 'root' },
    );
    assert.deepEqual(run.stdout.trim().split('\n'), [
      '/dev/full',
      '/dev/null',
      '/dev/pts/ptmx',
      '/dev/random',
      '/dev/tty',
      '/dev/urandom',
      '/dev/zero',
    ]);
    assert.match(run.stderr, /rm: cannot remove '\/dev\/null': Device or resource busy/);
  });

  it('its init holds three descriptors, which lead nowhere', () => {
    const targets = readdirSync(`/proc/${init}/fd`).map((fd) => readlinkSync(`/proc/${init}/fd/${fd}`));
    assert.equal(targets.length, 3);
    for (const target of targets) assert.match(target, /^(socket|pipe):/);
  });

  it('its environment and arguments tell nothing of the host', () => {
    assert.deepEqual(
      proc('environ')
        .split('\0')
        .filter((line) => !/^(PATH=\/usr\/bin:\/bin|HOME=.*)?$/.test(line)),
      [],
    );
    assert.deepEqual(proc('cmdline').split('\0'), ['/run/casemate-init', '-g', '--', '/bin/sleep', 'infinity', '']);
  });
});
