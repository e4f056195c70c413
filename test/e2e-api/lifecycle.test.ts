import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import type { BrokerConfig } from '#config/process.ts';
import type { Terminal, Workspace } from '#contract/api.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { whySandboxesCannotRun } from '../support/start-warden.ts';
import { startSystem, type TestSystem } from './support/start-system.ts';
import { openViewer } from './support/terminal-viewer.ts';

const skip = whySandboxesCannotRun();
let repositories: string;
let slow: GitServer;
let system: TestSystem;

before(async () => {
  if (skip) return;
  repositories = mkdtempSync(join(tmpdir(), 'casemate-repositories-'));
  const work = join(repositories, 'work');
  execFileSync('git', ['init', '-q', '-b', 'main', work]);
  writeFileSync(join(work, 'a.bin'), Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))));
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  execFileSync('git', ['add', '.'], { cwd: work });
  execFileSync('git', [...identity, 'commit', '-q', '-m', 'First'], { cwd: work });
  execFileSync('git', ['clone', '-q', '--bare', work, join(repositories, 'repo.git')]);
  slow = await startGitServer({ directory: repositories, bytesPerSecond: 5000 });
  system = await startSystem({ privateDestinations: [{ host: slow.host, port: slow.port }], idleStopMinutes: 1 });
});
after(async () => {
  if (skip) return;
  await system?.[Symbol.asyncDispose]();
  await slow?.[Symbol.asyncDispose]();
  rmSync(repositories, { recursive: true, force: true });
});

const create = async (body: object = {}): Promise<Workspace> => {
  const made = await system.api('POST', '/workspaces', { name: 'Lifecycle', ...body });
  assert.equal(made.status, 201, made.text + system.log());
  return made.json as unknown as Workspace;
};
const read = async (id: string): Promise<Workspace> =>
  (await system.api('GET', `/workspaces/${id}`)).json as unknown as Workspace;
const until = async (what: string, holds: () => Promise<boolean>, ms = 20_000): Promise<void> => {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `${what}\n${system.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
const sandboxesOf = async (id: string): Promise<number> => {
  const { reply } = await system.warden.channel.call('sandbox.list', {});
  return reply.sandboxes.filter(({ workspaceId }) => workspaceId === id).length;
};
const databaseClient = async (): Promise<pg.Client & AsyncDisposable> => {
  const client = new pg.Client(system.database.superuser);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
};
const events = async (event: string): Promise<{ fields: Record<string, unknown> }[]> =>
  (await system.api('GET', `/audit?limit=200&event=${event}`)).json['items'] as { fields: Record<string, unknown> }[];

test('ten that need the sandbox at once share one', async (t) => {
  if (skip) return t.skip(skip);
  const { id } = await create();
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, at) =>
      at % 2 ? system.api('GET', `/workspaces/${id}/files`) : system.api('POST', `/workspaces/${id}/start`),
    ),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(await sandboxesOf(id), 1);
  const starts = await events('sandbox.started');
  assert.equal(starts.filter(({ fields }) => fields['workspaceId'] === id).length, 1);
});

test('H5 a command that somebody else gave with the rights of the server raises an alert', async (t) => {
  if (skip) return t.skip(skip);
  const { id } = await create();
  assert.equal((await system.api('POST', `/workspaces/${id}/terminals`, {})).status, 201);
  const { reply } = await system.warden.channel.call('sandbox.list', {});
  const owned = reply.sandboxes.find(({ workspaceId }) => workspaceId === id);
  assert.ok(owned);
  const { sandboxId, teamId } = owned;
  const commandsOf = async (): Promise<{ requestId: string | null; fields: Record<string, unknown> }[]> =>
    ((await events('warden.command')) as never[]).filter(
      ({ fields }) => (fields as Record<string, unknown>)['sandboxId'] === sandboxId,
    );
  await until('its commands are in the trail', async () => (await commandsOf()).length >= 2);
  const given = (await commandsOf()).find(({ fields }) => fields['kind'] === 'terminal.start');
  assert.match(String(given?.requestId), /^[a-z2-7]{20}$/);
  assert.deepEqual([await events('alert.command'), [...system.alerts]], [[], []], 'what the server did raises none');

  const at = { path: '/home/user/theirs' };
  const owner = { sandboxId, teamId, at };
  await system.warden.channel.call('file.makeDirectory', owner);
  // One that the server used, and one that looks like it.
  for (const commandId of [String(given?.requestId), 'a'.repeat(20)]) {
    await system.warden.channel.call('file.remove', { ...owner, commandId });
    await system.warden.channel.call('file.makeDirectory', owner);
  }
  await until('each has its alert', async () => (await events('alert.command')).length === 5);
  const kinds = (await events('alert.command')).map(
    ({ fields }) => `${fields['kind']} ${fields['sandboxId'] === sandboxId}`,
  );
  const [made, removed] = ['file.make-directory true', 'file.remove true'];
  assert.deepEqual(kinds.toSorted(), [made, made, made, removed, removed]);
  await until('the supervisor heard of each', async () => system.alerts.length === 5);
  assert.match(system.alerts[0] ?? '', /warden was made to carry out file\.make-directory by somebody other/);
  assert.match(system.log(), /"security":"alert\.command"/);
});

test('a server killed in the middle of a clone leaves nothing of it, and says so', async (t) => {
  if (skip) return t.skip(skip);
  const { id } = await create({ git: { url: slow.url('repo.git') } });
  await until('the clone begins', async () => (await sandboxesOf(id)) === 1 && slow.requests.length > 1);
  await system.killServer();
  await system.startServer();
  await until('the clone is ended', async () => (await read(id)).state === 'failed');
  const workspace = await read(id);
  assert.match(workspace.failure ?? '', /restarted/);
  assert.equal(workspace.sandbox, null);
  assert.equal(await sandboxesOf(id), 0);
  const disk = readdirSync(system.warden.config.stateDirectory, { recursive: true, encoding: 'utf8' });
  assert.ok(!disk.some((path) => path.includes(id)), disk.filter((path) => path.includes(id)).join(' '));
});

test('a sandbox that ends behind the back of a dead server is known to have ended', async (t) => {
  if (skip) return t.skip(skip);
  const { id } = await create();
  const terminal = (await system.api('POST', `/workspaces/${id}/terminals`, {})).json as unknown as Terminal;
  const sandbox = (await read(id)).sandbox;
  assert.ok(sandbox);
  await system.killServer();
  const { reply } = await system.warden.channel.call('sandbox.list', {});
  const owned = reply.sandboxes.find(({ sandboxId }) => sandboxId === sandbox.id);
  assert.ok(owned);
  await system.warden.channel.call('sandbox.kill', { sandboxId: owned.sandboxId, teamId: owned.teamId });
  await system.startServer();
  await until('the sandbox is stopped', async () => (await read(id)).sandbox === null);
  await until('the terminal has ended', async () => {
    const known = (await system.api('GET', `/terminals/${terminal.id}`)).json as unknown as Terminal;
    return known.state === 'ended';
  });
  const viewer = await openViewer(system.origin, await system.key(['*']), terminal.id);
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'));
  await until('the keeper has let go', async () => {
    const held = await system.keeper.channel.call('terminal.list', {});
    return !held.reply.terminals.some(({ terminalId }) => terminalId === terminal.id);
  });
});

test('a broker that was killed has policies and secrets again when it is back', async (t) => {
  if (skip) return t.skip(skip);
  const { id } = await create();
  const allow = { host: slow.host, ports: [slow.port] };
  assert.equal((await system.api('POST', `/workspaces/${id}/policy/allow`, allow)).status, 200);
  const secret = { kind: 'git', baseUrl: `http://${slow.host}:${slow.port}`, value: 'a-token' };
  assert.equal((await system.api('PUT', '/secrets/forge', secret)).status, 200);
  assert.equal((await system.api('POST', `/workspaces/${id}/start`)).status, 200);
  const children = readFileSync(`/proc/${system.warden.pid}/task/${system.warden.pid}/children`, 'utf8').trim();
  const broker = children
    .split(' ')
    .map(Number)
    .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('src/main/broker.ts'));
  assert.ok(broker, children);
  process.kill(broker, 'SIGKILL');
  await until('secrets can be set again', async () => {
    return (
      (await system.api('PUT', '/secrets/other', { ...secret, baseUrl: 'https://elsewhere.example' })).status === 200
    );
  });
  const before = slow.requests.length;
  const body = { command: `git ls-remote ${slow.url('repo.git')} main 2>&1` };
  const terminal = (await system.api('POST', `/workspaces/${id}/terminals`, body)).json as unknown as Terminal;
  const viewer = await openViewer(system.origin, await system.key(['*']), terminal.id);
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'), 30_000);
  assert.match(viewer.output().toString(), /refs\/heads\/main/, system.log());
  const authorization = `Basic ${Buffer.from('x-access-token:a-token').toString('base64')}`;
  assert.ok(slow.requests.slice(before).some((request) => request.authorization === authorization));
});

test('H16 twenty requests at once do not pass a limit of the team together', async (t) => {
  if (skip) return t.skip(skip);
  await using client = await databaseClient();
  const { id, sandbox } = await create().then(async (made) => {
    assert.equal((await system.api('POST', `/workspaces/${made.id}/start`)).status, 200);
    return read(made.id);
  });
  assert.ok(sandbox);
  const twenty = async (request: (at: number) => ReturnType<TestSystem['api']>): Promise<number[]> =>
    (await Promise.all(Array.from({ length: 20 }, (_, at) => request(at)))).map(({ status }) => status).toSorted();
  const template = `select $1 || translate(lpad(n::text, 4, '0'), '0123456789', 'abcdefghij') as made from generate_series(1, $2) n`;
  const seed = async (table: string, columns: string, of: string, count: number): Promise<void> => {
    await client.query(
      `insert into ${table} (id, ${columns}) select made, ${columns} from (${template}) as ids, ${table} where id = $3`,
      ['seededseededseed', count, of],
    );
  };
  const forget = (table: string): Promise<unknown> =>
    client.query(`delete from ${table} where id like 'seededseededseed%'`);
  const live = async (table: string, condition: string): Promise<number> =>
    Number((await client.query(`select count(*) from ${table} where ${condition}`)).rows[0]?.count);

  const workspaces = 'team_id, name, state, policy, policy_preset, created_by, last_used_at';
  await seed('workspaces', workspaces, id, 195 - (await live('workspaces', 'deleted_at is null')));
  const made = await twenty(() => system.api('POST', '/workspaces', { name: 'Five of twenty' }));
  assert.equal(made.filter((status) => status === 201).length, 5, String(made));
  assert.equal(await live('workspaces', 'deleted_at is null'), 200);
  assert.ok(
    made.slice(5).every((status) => status === made.at(-1) && status >= 400 && status < 500),
    String(made),
  );

  const five = await client.query(`select id from workspaces where name = 'Five of twenty'`);
  await client.query(
    `insert into sandboxes (id, team_id, state, tier, template) select made, team_id, 'running', tier, template
     from (${template}) as ids, sandboxes where id = $3`,
    ['seededseededseed', 19 - (await live('sandboxes', `state <> 'stopped'`)), sandbox.id],
  );
  const started = await twenty((at) => system.api('POST', `/workspaces/${five.rows[at % 5].id}/start`));
  assert.equal(await live('sandboxes', `state <> 'stopped'`), 20, String(started));
  await forget('sandboxes');

  const terminals =
    'team_id, workspace_id, sandbox_id, title, program, columns, rows, state, recording_public_key, recording_private_key, created_by';
  assert.equal((await system.api('POST', `/workspaces/${id}/terminals`, {})).status, 201);
  const known = await client.query(`select id from terminals where workspace_id = $1`, [id]);
  await seed('terminals', terminals, known.rows[0].id, 29);
  const opened = await twenty(() => system.api('POST', `/workspaces/${id}/terminals`, {}));
  assert.equal(opened.filter((status) => status === 201).length, 2, String(opened));
  await forget('terminals');
  await forget('workspaces');

  const secret = { kind: 'git', baseUrl: `http://${slow.host}:${slow.port}` };
  const put = await twenty((at) => system.api('PUT', '/secrets/raced', { ...secret, value: `value-${at}` }));
  assert.deepEqual(new Set(put), new Set([200]));
  const { rows } = await client.query(`select encode(sealed, 'base64') as sealed from secrets where name = 'raced'`);
  const brokerFile = JSON.parse(readFileSync(system.brokerFile, 'utf8')) as BrokerConfig;
  const files = readdirSync(brokerFile.stateDirectory, { recursive: true, withFileTypes: true });
  const held = files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
    .filter((text) => text.includes('"raced"'));
  assert.equal(held.length, 1);
  assert.ok(held[0]?.includes(String(rows[0].sealed).replaceAll('\n', '')), 'broker and database hold the same one');
});

test('after seven days a deleted workspace, its disk and its row are gone, and the trail says so', async (t) => {
  if (skip) return t.skip(skip);
  const { id } = await create();
  await system.api('POST', `/workspaces/${id}/start`);
  assert.equal((await system.api('DELETE', `/workspaces/${id}`)).status, 204);
  const disks = () => readdirSync(system.warden.config.stateDirectory, { recursive: true, encoding: 'utf8' });
  assert.ok(
    disks().some((path) => path.includes(id)),
    'the disk is kept',
  );
  await system.killServer();
  await using client = await databaseClient();
  await client.query("update workspaces set purge_at = now() - interval '1 minute' where id = $1", [id]);
  await system.startServer();
  await until('the workspace is gone', async () => (await system.api('GET', `/workspaces/${id}`)).status === 404);
  assert.ok(!disks().some((path) => path.includes(id)), 'the disk is gone');
  assert.ok((await events('workspace.purged')).some(({ fields }) => fields['workspaceId'] === id));
});

test('a sandbox in which nothing runs stops by itself, one with a terminal does not', {
  timeout: 150_000,
}, async (t) => {
  if (skip) return t.skip(skip);
  const idle = await create();
  const busy = await create();
  await system.api('POST', `/workspaces/${idle.id}/start`);
  assert.equal((await system.api('POST', `/workspaces/${busy.id}/terminals`, {})).status, 201);
  await until('it stops', async () => (await sandboxesOf(idle.id)) === 0, 120_000);
  await until('it is known to have stopped', async () => (await read(idle.id)).sandbox === null);
  assert.equal(await sandboxesOf(busy.id), 1);
  const stops = await events('sandbox.stopped');
  assert.ok(stops.some(({ fields }) => fields['workspaceId'] === idle.id && fields['reason'] === 'idle'));
  await system.api('DELETE', `/workspaces/${busy.id}`);
});
