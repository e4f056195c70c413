import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { after, before } from 'node:test';
import type { Terminal, Workspace } from '#contract/api.ts';
import { digestOfFiles } from '#main/prepare/cache.ts';
import { freePort, lacking, processesOf } from '../support/instance.ts';
import { sandboxProcesses } from '../support/process-memory.ts';

const skip = lacking() ?? false;
const root = join(import.meta.dirname, '../..');
const sharedCache = process.env.CASEMATE_CACHE ?? '/var/cache/casemate';
/** Below these, what `up` makes outside its data directory is seen by nobody but this test. */
const overlaid = ['/etc', '/var/lib'];
let scratch: string;
let cache: string;
let data: string;
let holder: ChildProcess;

/** Runs in a mount namespace of our own, where users and registry are copies. */
function inside(command: readonly string[], input = ''): { code: number; output: string } {
  try {
    const output = execFileSync('nsenter', ['--mount', `--target=${holder.pid}`, '--', ...command], {
      encoding: 'utf8',
      input,
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        // For the tests alone.
        CASEMATE_SHARED: undefined,
        NODE_TEST_CONTEXT: undefined,
        SSH_CONNECTION: undefined,
        CASEMATE_CACHE: cache,
        CASEMATE_OWNER_EMAIL: 'ada@example.org',
        CASEMATE_OWNER_PASSWORD_FILE: join(scratch, 'password'),
      },
    });
    return { code: 0, output };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, output: `${stdout}${stderr}` };
  }
}
const casemate = (...words: readonly string[]) => inside([join(root, 'casemate'), ...words]);

/** Everything of the machine that an instance could leave something in. */
function machine() {
  const list = (command: readonly string[]) => inside(command).output.split('\n').filter(Boolean).toSorted();
  return {
    files: list(['find', '/etc', '/var/lib', '/usr/local', '-xdev', '-newer', join(scratch, 'password')]).filter(
      // useradd and userdel keep the file before theirs.
      (path) => !/^\/etc\/\w+-$/.test(path),
    ),
    mounts: list(['sh', '-c', 'cut -d" " -f5 /proc/self/mountinfo']),
    users: list(['sh', '-c', 'grep -h casemate /etc/passwd /etc/group /etc/shadow /etc/subuid || true']),
    loops: list(['losetup', '--list', '--noheadings', '--raw', '--output', 'BACK-FILE']).filter((file) =>
      file.startsWith(data),
    ),
  };
}

/** Pids of the processes that hold terminals of a data directory: they carry no name but their tag. */
const holdersOf = (directory: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`CASEMATE_SPOOL=${directory}/spool`);
    } catch {
      return false;
    }
  });

/** What is there now and was not. */
const added = (was: ReturnType<typeof machine>, is: ReturnType<typeof machine>): string[] =>
  (Object.keys(is) as (keyof typeof is)[]).flatMap((kind) => is[kind].filter((entry) => !was[kind].includes(entry)));

before(async () => {
  if (skip) return;
  scratch = mkdtempSync('/var/tmp/casemate-uninstall-');
  cache = `${sharedCache}-uninstall-${process.pid}`;
  data = `/var/tmp/cm-uninstall-${process.pid}`;
  writeFileSync(join(scratch, 'password'), 'umbrella-tadpole-seventeen-copper', { mode: 0o600 });
  // Hard links: nothing is fetched or built, and removing them harms nobody.
  const modules = await digestOfFiles([join(root, 'package-lock.json'), join(root, '.npmrc')]);
  const template = readlinkSync(join(sharedCache, 'templates/base')).split('/')[0];
  const parts = ['node', 'npm', 'web', `modules/${modules}`, 'templates/base', `templates/${template}`];
  mkdirSync(cache, { mode: 0o755 });
  execFileSync('cp', ['-al', '--parents', ...parts, cache], { cwd: sharedCache });
  const script = overlaid.map((path, at) =>
    [
      `mkdir -p ${scratch}/o/${at}/up ${scratch}/o/${at}/work`,
      `mount -t overlay overlay -o lowerdir=${path},upperdir=${scratch}/o/${at}/up,workdir=${scratch}/o/${at}/work ${path}`,
    ].join(' && '),
  );
  // No other instance is registered in this view of the machine, and none of its users exist.
  const clean = [
    // What other instances have mounted must not be held by this view.
    `cut -d' ' -f5 /proc/self/mountinfo | grep -e ^/run/casemate- -e /spool$ | tac | xargs --no-run-if-empty umount --lazy --quiet || true`,
    // userdel asks by number whether a process of that user runs, and others run those of the machine's.
    `printf 'SYS_UID_MIN 601\\nSYS_UID_MAX 640\\nSYS_GID_MIN 601\\nSYS_GID_MAX 640\\n' >> /etc/login.defs`,
    'rm -f /var/lib/casemate-instances.json*',
    'sed -i /casemate/d /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/subuid /etc/subgid',
  ];
  const ready = [
    `mkdir ${scratch}/o`,
    `mount -t tmpfs tmpfs ${scratch}/o`,
    ...script,
    ...clean,
    'echo ready',
    'exec sleep infinity',
  ];
  holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', ready.join('\n')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (holder.stdout) await once(holder.stdout, 'data');
});

after(async () => {
  if (skip) return;
  if (existsSync(data)) casemate('uninstall', '--data', data, '--remove-data', '--keep-cache', '--yes');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  for (const path of [scratch, cache, data]) rmSync(path, { recursive: true, force: true });
});

test('uninstall leaves nothing of an instance with a sandbox at work', { skip, timeout: 120_000 }, async (t) => {
  const before = machine();
  const port = await freePort();
  const started = casemate('up', '--detach', '--data', data, '--port', String(port), '--no-open');
  assert.equal(started.code, 0, started.output);
  const key = /e2b_[0-9a-f]{40}/.exec(casemate('key', 'create', '--scope', '*', '--data', data).output)?.[0] ?? '';
  const api = async <T>(path: string, body: object): Promise<T> => {
    const reply = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.ok(reply.ok, `${path}: ${reply.status} ${await reply.clone().text()}`);
    return (await reply.json()) as T;
  };
  const workspace = await api<Workspace>('/workspaces', { name: 'gone' });
  await api<Terminal>(`/workspaces/${workspace.id}/terminals`, {});
  const { name } = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as { name: string };
  const during = machine();
  assert.equal(holdersOf(data).length, 1);
  const found = added(before, during);
  for (const trace of [`/run/casemate-${name}`, '/var/lib/casemate-instances.json', `${data}/spool`]) {
    assert.ok(found.includes(trace), `${trace} is not seen: ${found.join(' ')}`);
  }

  await t.test('it asks for the name of the data directory, and without it touches nothing', () => {
    const { code, output } = inside([join(root, 'casemate'), 'uninstall', '--data', data, '--remove-data'], 'yes\n');
    assert.equal(code, 1, output);
    assert.match(output, /REMOVES/);
    assert.equal(casemate('status', '--data', data).code, 0);
  });

  await t.test(
    'after kill -9 of the supervisor nothing runs on, and without --remove-data the data stays',
    async () => {
      const { pid } = JSON.parse(readFileSync(join(data, 'run/up/status.json'), 'utf8')) as { pid: number };
      process.kill(pid, 'SIGKILL');
      const kept = casemate('uninstall', '--data', data, '--yes');
      assert.equal(kept.code, 0, kept.output);
      assert.match(kept.output, new RegExp(`kept: ${data}`));
      assert.deepEqual(await processesOf(data), []);
      // What was killed is a zombie until the machine's init looks.
      for (let tries = 0; sandboxProcesses(name).length > 0 && tries < 50; tries += 1) await delay(100);
      assert.deepEqual(sandboxProcesses(name), []);
      assert.deepEqual(holdersOf(data), []);
      const { mounts, loops } = machine();
      assert.deepEqual(added(before, { ...before, mounts, loops }), []);
      assert.ok(!existsSync(`/run/casemate-${name}`));
      assert.equal(execFileSync('find', ['/sys/fs/cgroup', '-name', `casemate-${name}`], { encoding: 'utf8' }), '');
      assert.ok(existsSync(join(data, 'warden/disks', workspace.id, 'disk.ext4')));
      assert.ok(existsSync(join(data, 'pg/data/PG_VERSION')));
    },
  );

  await t.test('with --remove-data the machine is as it was before', () => {
    const gone = casemate('uninstall', '--data', data, '--remove-data', '--yes');
    assert.equal(gone.code, 0, gone.output);
    assert.match(gone.output, /nothing of it is left/);
    assert.deepEqual(added(before, machine()), []);
    assert.ok(!existsSync(data));
    assert.ok(!existsSync(cache));
  });
});
