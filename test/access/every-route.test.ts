import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import type { SandboxId, TeamId, TerminalId, WorkspaceId } from '#base/ids.ts';
import { type Permission, permissions } from '#contract/permissions.ts';
import { policyPresets, type Policy } from '#contract/policy.ts';
import { sandboxes, terminals, workspaces } from '#database/schema/workspaces.ts';
import { mintTenantScope } from '#database/tenant-scope.ts';
import type { Route } from '#http/define-route.ts';
import { routeTable } from '#http/route-table.ts';
import { randomId } from '#identity/random-id.ts';
import { withClient } from '../support/start-database.ts';
import { addPerson, createKey, setUp, signIn, type Visitor } from './support/people.ts';
import { type Answer, send } from './support/request.ts';
import { sampleBodies } from './support/samples.ts';
import { startServer, type TestServer } from './support/start-server.ts';

const routes = routeTable.filter((entry): entry is Route => entry.kind === 'route');
const sockets = routeTable.filter((entry) => entry.kind === 'socket');
const guarded = routes.filter((route) => route.access.kind !== 'public');
const nameOf = (route: Route): string => `${route.method} ${route.path}`;

/** What every guarded route is tried with; the last test counts that none was left out. */
const attempts = [
  'no actor',
  'made-up cookie',
  'expired session',
  'revoked key',
  'key without scope',
  'role without permission',
  'no CSRF token',
  'foreign CSRF token',
  'foreign origin',
  'no origin',
  'other team',
] as const;
const tried = new Map<string, Set<string>>();
const note = (route: string, attempt: (typeof attempts)[number]): void => {
  tried.set(route, (tried.get(route) ?? new Set()).add(attempt));
};

let server: TestServer;
let owner: Visitor;
let other: Visitor;
let viewer: Visitor;
let expired: Visitor;
let revokedKey: string;
const ids: Record<string, string> = { name: 'sample', terminalId: randomId(), sandboxId: randomId() };

const fill = (path: string): string => path.replace(/:([A-Za-z]+)/g, (_, name: string) => ids[name] ?? `no-${name}`);
const bodyOf = (route: Route): unknown => {
  if (!route.body) return undefined;
  const body = sampleBodies[nameOf(route)];
  assert.ok(body !== undefined, `${nameOf(route)} needs a valid body in test/access/support/samples.ts`);
  return body;
};
const call = (route: Route, headers: Record<string, string>): Promise<Answer> => {
  const body = bodyOf(route);
  return send(server.origin, fill(route.path), {
    method: route.method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
};
const assertProblem = (answer: Answer, statuses: readonly number[], what: string): void => {
  assert.ok(statuses.includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, what);
  assert.equal(answer.json['requestId'], answer.headers['x-request-id'], what);
};

before(async () => {
  server = await startServer({ rateLimit: { windowMs: 60_000, maximum: 100_000 } });
  owner = await setUp(server);
  await addPerson(server, 'other@example.org');
  other = await signIn(server, 'other@example.org');
  await addPerson(server, 'viewer@example.org', 'viewer', owner.teamId as TeamId);
  viewer = await signIn(server, 'viewer@example.org');
  await addPerson(server, 'late@example.net', 'owner', owner.teamId as TeamId);
  expired = await signIn(server, 'late@example.net');
  await withClient(server.database.superuser, (client) =>
    client.query(`update sessions set idle_expires_at = now() - interval '1 second' where user_id = $1`, [
      expired.userId,
    ]),
  );
  ids['keyId'] = (await createKey(server, ['workspace:read'])).id;
  const revoked = await createKey(server, ['*']);
  revokedKey = revoked.secret;
  assert.equal((await owner.send('DELETE', `/api/v1/keys/${revoked.id}`)).status, 204);
  ids['workspaceId'] = randomId<WorkspaceId>();
  await server.database.database.withTenant(
    mintTenantScope({ teamId: owner.teamId as TeamId, userId: null }),
    async (tx) =>
      void (await tx.insert(workspaces).values({
        id: ids['workspaceId'] as WorkspaceId,
        name: 'of the owner',
        state: 'ready',
        policy: policyPresets.closed as unknown as Policy,
        policyPreset: 'closed',
        createdBy: owner.userId as never,
        lastUsedAt: new Date(),
      })),
  );
  ids['terminalId'] = randomId<TerminalId>();
  await server.database.database.withTenant(
    mintTenantScope({ teamId: owner.teamId as TeamId, userId: null }),
    async (tx) => {
      await tx.insert(sandboxes).values({
        id: ids['sandboxId'] as SandboxId,
        workspaceId: ids['workspaceId'] as WorkspaceId,
        state: 'stopped',
        tier: 'crun',
        template: 'base',
      });
      await tx.insert(terminals).values({
        id: ids['terminalId'] as TerminalId,
        workspaceId: ids['workspaceId'] as WorkspaceId,
        sandboxId: ids['sandboxId'] as SandboxId,
        title: 'of the owner',
        program: 'shell',
        columns: 80,
        rows: 24,
        state: 'ended',
        recordingPublicKey: Buffer.alloc(32),
        recordingPrivateKey: Buffer.alloc(97),
        createdBy: owner.userId as never,
      });
    },
  );
});
after(async () => server[Symbol.asyncDispose]());

describe('every route that is not public', () => {
  for (const route of guarded) {
    const name = nameOf(route);
    const changes = route.method !== 'GET';
    const own = () => ({ cookie: owner.cookie, 'x-csrf-token': owner.csrfToken, origin: server.origin });

    test(`${name} refuses whoever is not recognised`, async () => {
      assertProblem(await call(route, {}), [401], 'no actor');
      note(name, 'no actor');
      const made = {
        cookie: `__Host-casemate=${'A'.repeat(43)}`,
        origin: server.origin,
        'x-csrf-token': 'A'.repeat(43),
      };
      assertProblem(await call(route, made), [401], 'made-up cookie');
      note(name, 'made-up cookie');
      const late = { cookie: expired.cookie, 'x-csrf-token': expired.csrfToken, origin: server.origin };
      assertProblem(await call(route, late), [401], 'expired session');
      note(name, 'expired session');
      assertProblem(await call(route, { 'x-api-key': revokedKey }), [401], 'revoked key');
      assertProblem(await call(route, { authorization: `Bearer ${revokedKey}` }), [401], 'revoked key as bearer');
      note(name, 'revoked key');
    });

    test(`${name} refuses a key without its scope and a role without its permission`, async () => {
      if (route.access.kind === 'permission') {
        const needed: Permission = route.access.permission;
        const key = await createKey(
          server,
          permissions.filter((permission) => permission !== needed),
        );
        assertProblem(await call(route, { 'x-api-key': key.secret }), [403], 'key without scope');
        if (!['workspace:read', 'terminal:watch', 'policy:read', 'system:read'].includes(needed)) {
          const asViewer = { cookie: viewer.cookie, 'x-csrf-token': viewer.csrfToken, origin: server.origin };
          assertProblem(await call(route, asViewer), [403], 'role without permission');
        }
      }
      note(name, 'key without scope');
      note(name, 'role without permission');
    });

    test(`${name} refuses a cookie that another page sent`, async () => {
      if (changes) {
        const { 'x-csrf-token': _, ...without } = own();
        assertProblem(await call(route, without), [403], 'no CSRF token');
        assertProblem(await call(route, { ...own(), 'x-csrf-token': other.csrfToken }), [403], 'foreign CSRF token');
        const { origin: __, ...unsaid } = own();
        assertProblem(await call(route, unsaid), [403], 'no origin');
        assertProblem(await call(route, { ...unsaid, 'sec-fetch-site': 'same-site' }), [403], 'same-site');
      }
      for (const origin of [
        'https://evil.example',
        'null',
        `${server.origin}.evil.example`,
        'http://127.0.0.1:1',
        '',
      ]) {
        assertProblem(await call(route, { ...own(), origin }), [403], `origin ${origin}`);
      }
      assertProblem(await call(route, { ...own(), 'sec-fetch-site': 'cross-site' }), [403], 'cross-site');
      for (const attempt of ['no CSRF token', 'foreign CSRF token', 'no origin', 'foreign origin'] as const)
        note(name, attempt);
    });

    test(`${name} shows nothing of another team`, async () => {
      const ofSomebody = route.path.match(/:(keyId|workspaceId|terminalId|sandboxId)/);
      if (ofSomebody) {
        const asOther = { cookie: other.cookie, 'x-csrf-token': other.csrfToken, origin: server.origin };
        assertProblem(await call(route, asOther), [404], 'other team');
      }
      note(name, 'other team');
    });
  }

  test('was tried with everything', () => {
    assert.ok(guarded.length >= 6, `only ${guarded.length} routes were found`);
    for (const route of guarded)
      assert.deepEqual([...(tried.get(nameOf(route)) ?? [])].toSorted(), [...attempts].toSorted(), nameOf(route));
  });
});

describe('every socket', () => {
  for (const socket of sockets) {
    const open = (headers: Record<string, string>, protocol = socket.subprotocol): Promise<number> =>
      new Promise((resolve, reject) => {
        const opened = new WebSocket(`${server.socketOrigin}${fill(socket.path)}`, [protocol], {
          headers,
          ...(server.authority === undefined ? {} : { ca: server.authority }),
        });
        opened.on('unexpected-response', (_request, response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        opened.on('error', reject);
        opened.on('open', () => {
          opened.terminate();
          resolve(101);
        });
      });

    test(`${socket.path} refuses strangers, foreign origins and missing scopes`, async () => {
      assert.equal(await open({}), 401);
      assert.equal(await open({ cookie: expired.cookie, origin: server.origin }), 401);
      assert.equal(await open({ 'x-api-key': revokedKey }), 401);
      assert.equal(await open({ cookie: owner.cookie }), 403);
      assert.equal(await open({ cookie: owner.cookie, origin: 'https://evil.example' }), 403);
      assert.equal(await open({ cookie: owner.cookie, origin: 'null' }), 403);
      if (socket.access.kind === 'permission') {
        const { permission: needed } = socket.access;
        const key = await createKey(
          server,
          permissions.filter((permission) => permission !== needed),
        );
        assert.equal(await open({ 'x-api-key': key.secret }), 403);
      }
      assert.equal(await open({ cookie: owner.cookie, origin: server.origin }, 'other.v1'), 400);
    });
  }
});

test('a route that is public says why, and there are few', () => {
  const open = routes.filter((route) => route.access.kind === 'public').map(nameOf);
  assert.deepEqual(open.toSorted(), [
    'GET /api/v1/session',
    'GET /healthz',
    'GET /openapi.json',
    'GET /readyz',
    'POST /api/v1/session',
    'POST /api/v1/setup',
  ]);
});

test('denials are on record', async () => {
  const answer = await owner.send('GET', '/api/v1/audit?event=access.denied&limit=200');
  assert.equal(answer.status, 200);
  const items = answer.json['items'] as { fields: { permission: string }; outcome: string }[];
  assert.ok(items.length > 0);
  assert.ok(items.every((item) => item.outcome === 'denied'));
});
