import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { GitStatus, Workspace } from '#contract/api.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { whySandboxesCannotRun } from '../support/start-warden.ts';
import { startSystem, type TestSystem } from './support/start-system.ts';
import { openViewer } from './support/terminal-viewer.ts';

const skip = whySandboxesCannotRun();
let repositories: string;
let git: GitServer;
let slow: GitServer;
let locked: GitServer;
let system: TestSystem;

/** A bare repository with two commits, a branch and some weight. */
function makeRepository(): void {
  const work = join(repositories, 'work');
  const run = (...line: string[]): void => {
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...line], { cwd: work });
  };
  execFileSync('git', ['init', '-q', '-b', 'main', work]);
  writeFileSync(join(work, 'README.md'), '# Hello\n');
  writeFileSync(
    join(work, 'weight.bin'),
    Buffer.from(Array.from({ length: 100_000 }, (_, at) => ((at * 7919) >> 3) & 255)),
  );
  execFileSync('dd', ['if=/dev/urandom', `of=${join(work, 'random.bin')}`, 'bs=1024', 'count=500', 'status=none']);
  run('add', '.');
  run('commit', '-q', '-m', 'First');
  writeFileSync(join(work, 'second.txt'), 'two\n');
  run('add', '.');
  run('commit', '-q', '-m', 'Second');
  run('branch', 'feature/x');
  execFileSync('git', ['clone', '-q', '--bare', work, join(repositories, 'repo.git')]);
}

before(async () => {
  if (skip) return;
  repositories = mkdtempSync(join(tmpdir(), 'casemate-repositories-'));
  makeRepository();
  git = await startGitServer({ directory: repositories });
  slow = await startGitServer({ directory: repositories, bytesPerSecond: 100_000 });
  locked = await startGitServer({ directory: repositories, password: 'right' });
  system = await startSystem({
    privateDestinations: [git, slow, locked].map(({ host, port }) => ({ host, port })),
  });
});

after(async () => {
  if (skip) return;
  await system?.[Symbol.asyncDispose]();
  for (const server of [git, slow, locked]) await server?.[Symbol.asyncDispose]();
  rmSync(repositories, { recursive: true, force: true });
});

const create = async (body: object): Promise<Workspace> => {
  const made = await system.api('POST', '/workspaces', { name: 'Clone', ...body });
  assert.equal(made.status, 201, made.text);
  return made.json as unknown as Workspace;
};

const settled = async (id: string, ms = 40_000): Promise<Workspace> => {
  const deadline = performance.now() + ms;
  for (;;) {
    const workspace = (await system.api('GET', `/workspaces/${id}`)).json as unknown as Workspace;
    if (workspace.state !== 'cloning') return workspace;
    assert.ok(performance.now() < deadline, `still cloning\n${system.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** Reads a workspace's events until the other side or `stop` ends them. */
function follow(id: string, key: string): { readonly events: { type: string }[]; stop(): void } {
  const abort = new AbortController();
  const events: { type: string }[] = [];
  const read = async (): Promise<void> => {
    const response = await fetch(`${system.origin}/api/v1/workspaces/${id}/events`, {
      headers: { 'x-api-key': key },
      signal: abort.signal,
    });
    let rest = '';
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        if (line.startsWith('data: ')) events.push(JSON.parse(line.slice(6)) as { type: string });
    }
  };
  // How a stream ends is no matter here; what it said is asserted.
  read().catch(() => undefined);
  return { events, stop: () => abort.abort() };
}

test('a repository is cloned inside its sandbox, with progress, and its files and state can be read', async (t) => {
  if (skip) return t.skip(skip);
  const key = await system.key(['*']);
  const made = await create({ git: { url: slow.url('repo.git') } });
  assert.equal(made.state, 'cloning');
  const feed = follow(made.id, key);
  const workspace = await settled(made.id);
  assert.equal(workspace.failure, null);
  assert.equal(workspace.state, 'ready', system.log());
  assert.equal(workspace.git?.branch, 'main');
  assert.deepEqual(workspace.policy.allow, [{ host: '127.0.0.2', ports: [slow.port] }]);

  const status = (await system.api('GET', `/workspaces/${made.id}/git`)).json as unknown as GitStatus;
  assert.deepEqual(
    { ...status, head: null },
    { repository: true, branch: 'main', head: null, dirty: 0, ahead: 0, behind: 0 },
  );
  assert.match(status.head ?? '', /^[0-9a-f]{40}$/);

  const files = await system.api('GET', `/workspaces/${made.id}/files`);
  const names = (files.json['entries'] as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(names, ['.git', 'README.md', 'random.bin', 'second.txt', 'weight.bin']);
  const file = await system.api('GET', `/workspaces/${made.id}/file?path=README.md`);
  assert.equal(file.text, '# Hello\n');
  assert.equal(file.headers['content-type'], 'application/octet-stream');
  assert.match(String(file.headers['content-disposition']), /^attachment/);
  assert.match(String(file.headers['content-security-policy']), /sandbox/);
  assert.equal(file.headers['x-content-type-options'], 'nosniff');

  const terminal = await system.api('POST', `/workspaces/${made.id}/terminals`, {
    command: 'git log --oneline | cat; echo hi > new.txt; git status --short | cat',
  });
  const viewer = await openViewer(system.origin, key, String(terminal.json['id']));
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'));
  assert.match(viewer.output().toString(), /Second\r\n.*First\r\n\?\? new\.txt/s);
  const changed = (await system.api('GET', `/workspaces/${made.id}/git`)).json as unknown as GitStatus;
  assert.equal(changed.dirty, 1);

  // Files outlive the sandbox.
  const stopped = await system.api('POST', `/workspaces/${made.id}/stop`);
  assert.equal(stopped.json['sandbox'], null, stopped.text);
  assert.equal((await system.api('GET', `/workspaces/${made.id}/file?path=new.txt`)).text, 'hi\n');

  await new Promise((resolve) => setTimeout(resolve, 500));
  feed.stop();
  const phases = new Set(
    feed.events.filter(({ type }) => type === 'clone').map((event) => (event as { phase?: string }).phase),
  );
  assert.ok(phases.has('Receiving objects'), `phases: ${[...phases]}`);
  for (const type of ['workspace', 'egress', 'terminals', 'files']) {
    assert.ok(
      feed.events.some((event) => event.type === type),
      `no ${type} event`,
    );
  }
  const egress = await system.api('GET', `/workspaces/${made.id}/egress`);
  assert.ok(
    (egress.json['items'] as { host: string }[]).some(({ host }) => host === '127.0.0.2'),
    egress.text,
  );
});

test('H15 what a repository makes git run for its state, runs inside the sandbox as its user and nowhere else', async (t) => {
  if (skip) return t.skip(skip);
  const made = await create({ git: { url: git.url('repo.git') } });
  await settled(made.id);
  const canary = `/tmp/casemate-h15-${made.id}`;
  const program = [
    '#!/bin/sh',
    `touch ${canary} /home/user/workspace/ran`,
    'echo "$(id -u) $(readlink /proc/self/ns/user)" > /home/user/workspace/ran',
    'exec cat',
  ].join('\n');
  const plant = [
    `printf '%s\\n' '${program.replaceAll('\n', "' '")}' > .git/evil; chmod +x .git/evil`,
    'git config core.fsmonitor /home/user/workspace/.git/evil',
    'git config filter.evil.clean /home/user/workspace/.git/evil; echo "* filter=evil" > .gitattributes',
    'touch README.md second.txt; rm -f ran',
  ].join('; ');
  const key = await system.key(['*']);
  const terminal = await system.api('POST', `/workspaces/${made.id}/terminals`, { command: plant });
  const viewer = await openViewer(system.origin, key, String(terminal.json['id']));
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'));
  const before = await system.api('GET', `/workspaces/${made.id}/file?path=ran`);
  assert.equal(before.status, 404, `it ran before its state was asked for: ${viewer.output()}`);
  const status = await system.api('GET', `/workspaces/${made.id}/git`);
  assert.equal(status.status, 200, status.text);
  const ran = await system.api('GET', `/workspaces/${made.id}/file?path=ran`);
  assert.match(ran.text, /^1000 user:\[\d+\]\n$/, 'the repository had its way inside, or this test looked at nothing');
  assert.notEqual(ran.text.trim().split(' ')[1], readlinkSync('/proc/self/ns/user'));
  assert.ok(!existsSync(canary), 'a program of the repository ran on the host');
});

test('a branch can be named, and one that is not there is said to be missing', async (t) => {
  if (skip) return t.skip(skip);
  const right = await settled((await create({ git: { url: git.url('repo.git'), branch: 'feature/x' } })).id);
  assert.equal(right.git?.branch, 'feature/x', right.failure ?? '');
  const wrong = await settled((await create({ git: { url: git.url('repo.git'), branch: 'nowhere' } })).id);
  assert.equal(wrong.state, 'failed');
  assert.match(wrong.failure ?? '', /no branch of that name/);
});

test('a clone that is cancelled leaves nothing, and can be tried again', async (t) => {
  if (skip) return t.skip(skip);
  const made = await create({ git: { url: slow.url('repo.git') } });
  const deadline = performance.now() + 20_000;
  const key = await system.key(['*']);
  const feed = follow(made.id, key);
  while (!feed.events.some((event) => (event as { phase?: string }).phase === 'Receiving objects')) {
    assert.ok(performance.now() < deadline, `the clone did not begin\n${JSON.stringify(feed.events)}\n${system.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const refused = await system.api('POST', `/workspaces/${made.id}/terminals`, {});
  assert.equal(refused.json.code, 'conflict');
  const cancelled = await system.api('POST', `/workspaces/${made.id}/cancel`);
  feed.stop();
  assert.equal(cancelled.status, 200, cancelled.text);
  assert.equal(cancelled.json['state'], 'failed');
  assert.match(String(cancelled.json['failure']), /cancelled/);
  assert.equal(cancelled.json['sandbox'], null);
  const { reply } = await system.warden.channel.call('sandbox.list', {});
  assert.ok(!reply.sandboxes.some(({ workspaceId }) => workspaceId === made.id));
  assert.equal((await system.api('POST', `/workspaces/${made.id}/cancel`)).json.code, 'conflict');
  const retried = await system.api('POST', `/workspaces/${made.id}/retry`);
  assert.equal(retried.json['state'], 'cloning', retried.text);
  assert.equal((await settled(made.id)).state, 'ready');
});

test('failures say why: not found, a key that is needed, an address that is kept from sandboxes', async (t) => {
  if (skip) return t.skip(skip);
  const missing = await settled((await create({ git: { url: git.url('nothing.git') } })).id);
  assert.match(missing.failure ?? '', /no git repository/);
  const needsKey = await settled((await create({ git: { url: locked.url('repo.git') } })).id);
  assert.match(needsKey.failure ?? '', /git secret/);
  const guarded = await settled((await create({ git: { url: 'http://127.0.0.3:9/r.git' } })).id);
  assert.match(guarded.failure ?? '', /CASEMATE_PRIVATE_DESTINATIONS/);
});

test('H11 a git secret opens a private repository and is nowhere inside', async (t) => {
  if (skip) return t.skip(skip);
  const set = await system.api('PUT', '/secrets/forge', {
    kind: 'git',
    baseUrl: `http://${locked.host}:${locked.port}`,
    userName: 'somebody',
    value: 'right',
  });
  assert.equal(set.status, 200, set.text + system.log());
  const workspace = await settled((await create({ git: { url: locked.url('repo.git') } })).id);
  assert.equal(workspace.state, 'ready', workspace.failure ?? '');
  const authorization = Buffer.from('somebody:right').toString('base64');
  assert.ok(locked.requests.some((request) => request.authorization === `Basic ${authorization}`));
  const found = await system.api('POST', `/workspaces/${workspace.id}/terminals`, {
    command: `env | grep -c -e right -e ${authorization}; grep -r -c ${authorization} .git/config`,
  });
  const viewer = await openViewer(system.origin, await system.key(['*']), String(found.json['id']));
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'));
  assert.equal(viewer.output().toString(), '0\r\n0\r\n');
  assert.equal((await system.api('DELETE', '/secrets/forge')).status, 204);
  assert.deepEqual((await system.api('GET', '/secrets')).json['items'], []);
});

test('a host outside the policy is refused before anything starts', async (t) => {
  if (skip) return t.skip(skip);
  const url = git.url('repo.git');
  const custom = { sets: [], allow: [{ host: 'elsewhere.example', ports: [443] }], deny: [] };
  const withoutPolicy = await system.key(['workspace:write', 'workspace:read']);
  const before = (await system.api('GET', '/workspaces?limit=200')).json['items'] as unknown[];
  for (const [policy, key, message] of [
    ['closed', undefined, /Closed lets nothing leave/],
    [custom, undefined, /does not let/],
    ['coding', withoutPolicy, /Ask somebody/],
  ] as const) {
    const answer = await system.api('POST', '/workspaces', { name: 'No', policy, git: { url } }, key);
    assert.equal(answer.status, 403, answer.text);
    assert.match(String(answer.json['detail']), message);
  }
  const hostile = await system.api('POST', '/workspaces', { name: 'No', git: { url: 'ext::sh -c id' } });
  assert.equal(hostile.json.code, 'invalid_git_url');
  assert.equal(((await system.api('GET', '/workspaces?limit=200')).json['items'] as unknown[]).length, before.length);
});

test('hostile paths are errors of the caller, whatever they look like', async (t) => {
  if (skip) return t.skip(skip);
  const made = await create({});
  const paths = [
    '..',
    '../..',
    '/etc/passwd',
    'a/../b',
    'a//b',
    './a',
    'a/',
    '%00',
    'x'.repeat(5000),
    'missing',
    '%ff',
    'a%5c..',
  ];
  for (const path of paths) {
    for (const kind of ['files', 'file']) {
      const answer = await system.api('GET', `/workspaces/${made.id}/${kind}?path=${path}`);
      assert.ok(answer.status >= 400 && answer.status < 500, `${kind} ${path}: ${answer.status} ${answer.text}`);
    }
  }
  const terminal = await system.api('POST', `/workspaces/${made.id}/terminals`, {
    command: String.raw`ln -s /proc/self/fd/0 fd; mkfifo pipe; mkdir dir; printf raw > $'\xff\xfe'; ln -s /etc/shadow shadow; truncate -s 3M large`,
  });
  const viewer = await openViewer(system.origin, await system.key(['*']), String(terminal.json['id']));
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'));
  for (const path of ['fd', 'pipe', 'dir', 'shadow', 'large']) {
    const answer = await system.api('GET', `/workspaces/${made.id}/file?path=${path}`);
    assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status} ${answer.text}`);
  }
  const entries = (await system.api('GET', `/workspaces/${made.id}/files`)).json['entries'] as {
    name: string;
    encoding: string;
  }[];
  const raw = entries.find(({ encoding }) => encoding === 'base64');
  assert.equal(raw?.name, Buffer.from([0xff, 0xfe]).toString('base64'));
  const bytes = await system.api(
    'GET',
    `/workspaces/${made.id}/file?encoding=base64&path=${encodeURIComponent(raw?.name ?? '')}`,
  );
  assert.equal(bytes.text, 'raw');
});

test('a deleted workspace stops, can be restored with its files, and a policy is in force at once', async (t) => {
  if (skip) return t.skip(skip);
  const made = await create({ git: { url: git.url('repo.git') } });
  await settled(made.id);
  assert.equal((await system.api('DELETE', `/workspaces/${made.id}`)).status, 204);
  assert.equal((await system.api('POST', `/workspaces/${made.id}/terminals`, {})).json.code, 'not_found');
  const deleted = (await system.api('GET', '/workspaces?deleted=true')).json['items'] as Workspace[];
  const hours = (Date.parse(deleted.find(({ id }) => id === made.id)?.purgeAt ?? '') - Date.now()) / 3_600_000;
  assert.ok(hours > 167 && hours <= 168, String(hours));
  const { reply } = await system.warden.channel.call('sandbox.list', {});
  assert.ok(!reply.sandboxes.some(({ workspaceId }) => workspaceId === made.id));
  assert.equal((await system.api('POST', `/workspaces/${made.id}/restore`)).json['state'], 'ready');
  assert.equal((await system.api('GET', `/workspaces/${made.id}/file?path=second.txt`)).text, 'two\n');

  const key = await system.key(['*']);
  const fetchOnce = async (): Promise<string> => {
    const body = { command: 'git ls-remote origin main 2>&1' };
    const terminal = await system.api('POST', `/workspaces/${made.id}/terminals`, body);
    const viewer = await openViewer(system.origin, key, String(terminal.json['id']));
    await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'));
    return viewer.output().toString();
  };
  assert.match(await fetchOnce(), /refs\/heads\/main/);
  const put = await system.api('PUT', `/workspaces/${made.id}/policy`, { sets: [], allow: [], deny: [] });
  assert.equal(put.status, 200, put.text);
  assert.match(await fetchOnce(), /403/);
  const allowed = await system.api('POST', `/workspaces/${made.id}/policy/allow`, {
    host: git.host,
    ports: [git.port],
  });
  assert.equal(allowed.status, 200, allowed.text);
  assert.match(await fetchOnce(), /refs\/heads\/main/);
});
