import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AuditEventName } from '#contract/audit.ts';
import type { Route } from '#http/define-route.ts';
import { routeTable } from '#http/route-table.ts';
import { type Answer, send } from '../access/support/request.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { whySandboxesCannotRun } from '../support/start-warden.ts';
import { startSystem, type TestSystem } from './support/start-system.ts';

const skip = whySandboxesCannotRun();
let git: GitServer;
let system: TestSystem;
before(async () => {
  if (skip) return;
  // No repositories: every clone fails, which is what cancel and retry need.
  git = await startGitServer({ directory: import.meta.dirname, bytesPerSecond: 10 });
  system = await startSystem({ privateDestinations: [{ host: git.host, port: git.port }] });
});
after(async () => {
  if (skip) return;
  await system?.[Symbol.asyncDispose]();
  await git?.[Symbol.asyncDispose]();
});

const changing = routeTable
  .filter((entry): entry is Route => entry.kind === 'route' && entry.method !== 'GET')
  .map((route) => `${route.method} ${route.path}`);

test('every route that changes something has its event on record before it answers', {
  timeout: 180_000,
}, async (t) => {
  if (skip) return t.skip(skip);
  const { origin } = system;
  const password = 'correct horse battery staple 7';
  const covered = new Set<string>();
  let cookie: Record<string, string> = {};

  /** Newest first, straight from the table: the list of the API is itself a request. */
  const trail = async (): Promise<{ event: string; outcome: string; actor: { kind: string } }[]> =>
    ((await system.api('GET', '/audit?limit=200')).json['items'] ?? []) as never;
  const does = async (
    route: string,
    path: string,
    expected: AuditEventName | null,
    body?: unknown,
    as?: 'person',
  ): Promise<Answer> => {
    assert.ok(changing.includes(route), `${route} is not in the table`);
    const before = (await trail()).filter(({ event }) => event === expected).length;
    const method = route.split(' ')[0] ?? '';
    const answer =
      as === 'person'
        ? await send(origin, path, { method, headers: { origin, ...cookie }, ...(body === undefined ? {} : { body }) })
        : await system.api(method, path.replace('/api/v1', ''), body);
    assert.ok(answer.status < 300, `${route}: ${answer.status} ${answer.text}\n${system.log()}`);
    covered.add(route);
    if (expected !== null) {
      const found = (await trail()).filter(({ event }) => event === expected);
      assert.ok(found.length > before, `${route} left no ${expected}`);
      assert.ok(['key', 'user'].includes(found[0]?.actor.kind ?? ''), `${route}: ${expected} does not say who`);
    }
    return answer;
  };

  const session = await does(
    'POST /api/v1/session',
    '/api/v1/session',
    'session.started',
    { email: 'owner@example.org', password },
    'person',
  );
  cookie = {
    cookie: String((session.headers['set-cookie'] as string[])[0]).split(';')[0] ?? '',
    'x-csrf-token': String(session.json['csrfToken']),
  };
  const key = await does('POST /api/v1/keys', '/api/v1/keys', 'key.created', { name: 'k', scopes: ['*'] }, 'person');
  await does(
    'DELETE /api/v1/keys/:keyId',
    `/api/v1/keys/${String(key.json['id'])}`,
    'key.revoked',
    undefined,
    'person',
  );
  await does('DELETE /api/v1/session', '/api/v1/session', 'session.ended', undefined, 'person');

  const made = await does('POST /api/v1/workspaces', '/api/v1/workspaces', 'workspace.created', { name: 'All' });
  const one = '/api/v1/workspaces/:workspaceId';
  const at = `/api/v1/workspaces/${String(made.json['id'])}`;
  await does(`PATCH ${one}`, at, 'workspace.renamed', { name: 'Every' });
  await does(`POST ${one}/start`, `${at}/start`, 'sandbox.started');
  const terminal = await does(`POST ${one}/terminals`, `${at}/terminals`, 'terminal.opened', {});
  await does(
    'DELETE /api/v1/terminals/:terminalId',
    `/api/v1/terminals/${String(terminal.json['id'])}`,
    'terminal.closed',
  );
  await does(`PUT ${one}/policy`, `${at}/policy`, 'policy.changed', { sets: [], allow: [], deny: [] });
  await does(`POST ${one}/policy/allow`, `${at}/policy/allow`, 'policy.changed', { host: 'example.org', ports: [443] });
  await does(`POST ${one}/stop`, `${at}/stop`, 'sandbox.stopped');
  await does(`DELETE ${one}`, at, 'workspace.deleted');
  await does(`POST ${one}/restore`, `${at}/restore`, 'workspace.restored');
  await does('PUT /api/v1/secrets/:name', '/api/v1/secrets/model', 'secret.set', { kind: 'anthropic', value: 'v' });
  await does('DELETE /api/v1/secrets/:name', '/api/v1/secrets/model', 'secret.removed');

  const url = git.url('nothing.git');
  const clone = await system.api('POST', '/workspaces', { name: 'Clone', policy: 'coding', git: { url } });
  assert.equal(clone.status, 201, clone.text);
  const of = `/api/v1/workspaces/${String(clone.json['id'])}`;
  await does(`POST ${one}/cancel`, `${of}/cancel`, 'workspace.clone-failed');
  await does(`POST ${one}/retry`, `${of}/retry`, 'workspace.clone-retried');

  // A clone under way: deleted and restored, it never passes for whole, whatever comes first.
  const [gone] = await Promise.all([
    system.api('DELETE', of.replace('/api/v1', '')),
    system.api('POST', `${of.replace('/api/v1', '')}/cancel`),
  ]);
  assert.equal(gone.status, 204, gone.text);
  assert.equal((await system.api('GET', of.replace('/api/v1', ''))).json['state'], 'deleted');
  const back = await system.api('POST', `${of.replace('/api/v1', '')}/restore`);
  assert.equal(back.json['state'], 'failed', back.text);

  // Set-up has its own test: it is over before a server with a configured owner listens.
  assert.deepEqual(
    changing.filter((route) => !covered.has(route)),
    ['POST /api/v1/setup'],
  );
});

test('deleting, restoring and cancelling at once leave one clear state', { timeout: 120_000 }, async (t) => {
  if (skip) return t.skip(skip);
  const made = await system.api('POST', '/workspaces', {
    name: 'Race',
    policy: 'coding',
    git: { url: git.url('nothing.git') },
  });
  const at = `/workspaces/${String(made.json['id'])}`;
  const answers = await Promise.all([
    system.api('DELETE', at),
    system.api('DELETE', at),
    system.api('POST', `${at}/cancel`),
    system.api('POST', `${at}/restore`),
    system.api('POST', `${at}/retry`),
    system.api('POST', `${at}/start`),
    system.api('GET', `${at}/git`),
  ]);
  assert.ok(
    answers.every(({ status }) => status < 500 && status !== 201),
    JSON.stringify(answers.map((a) => [a.status, a.text])),
  );
  const deadline = performance.now() + 30_000;
  let state = '';
  do {
    state = String((await system.api('GET', at)).json['state']);
    await new Promise((resolve) => setTimeout(resolve, 200));
  } while (!['deleted', 'failed'].includes(state) && performance.now() < deadline);
  assert.ok(['deleted', 'failed'].includes(state), state);
});

test('H5 nothing that the server did for these requests raised an alert', (t) => {
  if (skip) return t.skip(skip);
  assert.deepEqual(system.alerts, []);
});

test('a row that is past its seven days cannot be restored', async (t) => {
  if (skip) return t.skip(skip);
  const made = await system.api('POST', '/workspaces', { name: 'Late' });
  const at = `/workspaces/${String(made.json['id'])}`;
  assert.equal((await system.api('DELETE', at)).status, 204);
  const { withClient } = await import('../support/start-database.ts');
  await withClient(system.database.superuser, (client) =>
    client.query(`update workspaces set purge_at = now() - interval '1 second' where id = $1`, [made.json['id']]),
  );
  assert.equal((await system.api('POST', `${at}/restore`)).status, 404);
});
