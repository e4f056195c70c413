import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setUp, type Visitor } from './support/people.ts';
import { send } from './support/request.ts';
import { startServer, type TestServer } from './support/start-server.ts';

let server: TestServer;
let owner: Visitor;

before(async () => {
  server = await startServer({ allowedOrigins: ['https://friend.example'] });
  owner = await setUp(server);
});
after(() => server[Symbol.asyncDispose]());

/** Sends bytes as they are, and answers with everything that comes back. */
async function raw(text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.end(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}

test('H10 an unknown host is answered 421, whatever else the request says', async () => {
  const hosts = [
    'evil.example',
    `evil.example:${server.port}`,
    '127.0.0.1',
    'localhost',
    `127.0.0.1:${server.port}.evil`,
    `[::1]:${server.port}`,
  ];
  for (const host of hosts) {
    for (const path of ['/', '/api/v1/session', '/healthz', '/assets/index-abc123.js', '/nothing']) {
      const answer = await send(server.origin, path, { headers: { host, 'x-forwarded-host': server.host } });
      assert.equal(answer.status, 421, `${host} ${path}`);
      assert.equal(answer.json.code, 'unknown_host', host);
    }
  }
  assert.equal((await send(server.origin, '/healthz', { headers: { host: `LOCALHOST:${server.port}` } })).status, 200);
  const forwarded = await send(server.origin, '/healthz', { headers: { 'x-forwarded-host': 'evil.example' } });
  assert.equal(forwarded.status, 200, 'no proxy is trusted, so its headers mean nothing');
  assert.match(
    await raw(`GET /healthz HTTP/1.1\r\nHost: ${server.host}\r\nHost: evil.example\r\n\r\n`),
    /^HTTP\/1.1 (?:400|421)/,
  );
  assert.match(await raw('GET /healthz HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 421/);
  assert.match(await raw('GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 (?:400|421)/);
  assert.match(
    await raw(`GET http://evil.example/healthz HTTP/1.1\r\nHost: ${server.host}\r\nConnection: close\r\n\r\n`),
    /^HTTP\/1.1 4/,
  );
});

test('every reply carries the defences, errors and files included', async () => {
  const answers = {
    page: await send(server.origin, '/workspaces/abc', { headers: { accept: 'text/html' } }),
    file: await send(server.origin, '/assets/index-abc123.js'),
    api: await owner.send('GET', '/api/v1/system'),
    missing: await send(server.origin, '/api/v1/nothing'),
    refused: await send(server.origin, '/api/v1/system'),
    stranger: await send(server.origin, '/', { headers: { host: 'evil.example' } }),
  };
  for (const [what, { headers }] of Object.entries(answers)) {
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/, what);
    assert.match(policy, /script-src 'self'(?:;|$)/, what);
    assert.doesNotMatch(policy, /script-src[^;]*unsafe/, what);
    assert.match(policy, /frame-ancestors 'none'/, what);
    assert.match(policy, /base-uri 'none'/, what);
    assert.match(policy, /require-trusted-types-for 'script'/, what);
    assert.equal(headers['x-content-type-options'], 'nosniff', what);
    assert.equal(headers['x-frame-options'], 'DENY', what);
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin', what);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', what);
    assert.equal(headers['referrer-policy'], 'no-referrer', what);
    assert.equal(headers['x-xss-protection'], '0', what);
    assert.match(String(headers['permissions-policy']), /camera=\(\)/, what);
    assert.equal(headers['server'], undefined, what);
    assert.equal(headers['x-powered-by'], undefined, what);
    assert.match(String(headers['x-request-id']), /^[A-Za-z0-9_-]{16}$/, what);
  }
  assert.match(answers.page.text, /<title>Casemate/);
  assert.match(String(answers.page.headers['content-type']), /^text\/html/);
  assert.equal(answers.page.headers['cache-control'], 'no-cache');
  assert.match(String(answers.file.headers['content-type']), /^(?:text|application)\/javascript/);
  assert.match(String(answers.file.headers['cache-control']), /immutable/);
  assert.equal(answers.api.headers['cache-control'], 'no-store');
});

test('another origin gets nothing by CORS unless the operator named it', async () => {
  const ask = (origin: string, method: string) =>
    send(server.origin, '/api/v1/keys', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': method },
    });
  assert.equal(
    (await ask('https://friend.example', 'POST')).headers['access-control-allow-origin'],
    'https://friend.example',
  );
  for (const origin of [
    'https://evil.example',
    'null',
    'https://friend.example.evil.example',
    'http://friend.example',
  ]) {
    const answer = await ask(origin, 'POST');
    assert.equal(answer.headers['access-control-allow-origin'], undefined, origin);
    const read = await send(server.origin, '/api/v1/session', { headers: { origin } });
    assert.equal(read.headers['access-control-allow-origin'], undefined, origin);
  }
});

test('another page can neither sign somebody in nor out', async () => {
  const body = { email: 'owner@example.org', password: 'x' };
  for (const headers of [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'null' },
  ] as Record<string, string>[]) {
    const answer = await send(server.origin, '/api/v1/session', { method: 'POST', body, headers });
    assert.equal(answer.json.code, 'csrf', JSON.stringify(headers));
  }
});

test('only JSON is accepted as a body', async () => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/json-patch+json',
    'text/json',
    '*/*',
  ]) {
    const answer = await send(server.origin, '/api/v1/session', {
      method: 'POST',
      body: '{"email":"owner@example.org","password":"x"}',
      headers: { 'content-type': type },
    });
    assert.equal(answer.status, 415, `${type}: ${answer.text}`);
  }
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '0',
    '{"email":1e999}',
    '\ufeff{}',
    '{"a":'.repeat(50_000),
    '[['.repeat(100),
  ]) {
    const answer = await send(server.origin, '/api/v1/session', { method: 'POST', body: text });
    assert.equal(answer.status, 400, text.slice(0, 20));
  }
  const big = await send(server.origin, '/api/v1/session', {
    method: 'POST',
    body: JSON.stringify({ email: 'x'.repeat(1_100_000) }),
  });
  assert.equal(big.status, 413);
});

test('an address that exists answers 405 to other methods, and one that does not 404', async () => {
  const wrong = await owner.send('PUT', '/api/v1/session');
  assert.equal(wrong.status, 405);
  assert.deepEqual(String(wrong.headers['allow']).split(', ').toSorted(), ['DELETE', 'GET', 'POST']);
  for (const path of [
    '/api/v1/nothing',
    '/api',
    '/api/v2/session',
    '/admin/keys',
    '/admin/status',
    '/e2b/sandboxes',
    '/files',
    '/assets/none.js',
    '/.env',
    '/..%2f..%2fetc/passwd',
    '/assets/..%2f..%2fsecret',
    '/%2e%2e/secret',
    '//evil.example/',
    '/index.html%00',
  ]) {
    const answer = await send(server.origin, path, { headers: { accept: 'text/html' } });
    assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, path);
    assert.ok(!answer.text.includes('root:'), path);
  }
  for (const method of ['TRACE', 'CONNECTX', 'PROPFIND']) {
    assert.match(
      await raw(`${method} / HTTP/1.1\r\nHost: ${server.host}\r\nConnection: close\r\n\r\n`),
      /^HTTP\/1.1 40[045]/,
      method,
    );
  }
});

test('a service worker cannot come from anywhere but a file of ours', async () => {
  const answer = await send(server.origin, '/workspaces/sw', {
    headers: { accept: 'text/html', 'service-worker': 'script' },
  });
  assert.equal(answer.status, 404);
});

test('header attacks neither smuggle nor split', async () => {
  const smuggled = await raw(
    `POST /api/v1/session HTTP/1.1\r\nHost: ${server.host}\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`,
  );
  assert.match(smuggled, /^HTTP\/1.1 400/);
  assert.ok(!smuggled.includes('200 OK'));
  const own = await send(server.origin, '/healthz', { headers: { 'x-request-id': 'mine', 'request-id': 'mine' } });
  assert.notEqual(own.headers['x-request-id'], 'mine');
  const long = await raw(`GET /healthz HTTP/1.1\r\nHost: ${server.host}\r\nX-Long: ${'a'.repeat(40_000)}\r\n\r\n`);
  assert.match(long, /^HTTP\/1.1 431/);
});

test('a session cookie with anything odd about it is no session', async () => {
  const token = owner.cookie.split('=')[1] ?? '';
  for (const cookie of [
    `casemate=${token}`,
    `__host-casemate=${token}`,
    `__Host-casemate=${token}x`,
    `__Host-casemate="${token} "`,
    '__Host-casemate=',
    `__Host-casemate=${'A'.repeat(5000)}`,
  ]) {
    const answer = await send(server.origin, '/api/v1/session', { headers: { cookie } });
    assert.equal(answer.status, 200);
    assert.equal(answer.json['user'], null, cookie.slice(0, 40));
  }
});

test('health tells what answers, and says that warden, keeper and broker do not', async () => {
  assert.deepEqual((await send(server.origin, '/healthz')).json, { status: 'ok' });
  const ready = await send(server.origin, '/readyz');
  assert.deepEqual(ready.json, {
    status: 'ok',
    parts: { database: 'ok', warden: 'down', keeper: 'down', broker: 'down' },
  });
});

test('OpenAPI 3.1 describes every route of the table', async () => {
  const { json } = await send(server.origin, '/openapi.json');
  assert.equal(json['openapi'], '3.1.0');
  const { routeTable } = await import('#http/route-table.ts');
  const paths = json['paths'] as Record<string, Record<string, unknown>>;
  for (const entry of routeTable) {
    const path = entry.path.replace(/:(\w+)/g, '{$1}');
    assert.ok(paths[path]?.[entry.kind === 'route' ? entry.method.toLowerCase() : 'get'], entry.path);
  }
});

test('in maintenance everything but health answers 503', async () => {
  await using closed = await startServer({ maintenance: true });
  assert.equal((await send(closed.origin, '/healthz')).status, 200);
  assert.equal((await send(closed.origin, '/readyz')).status, 200);
  for (const path of ['/', '/api/v1/session', '/openapi.json']) {
    const answer = await send(closed.origin, path);
    assert.equal(answer.status, 503, path);
    assert.equal(answer.json.code, 'maintenance', path);
  }
});

test('too many requests from one address wait, with the standard headers', async () => {
  await using small = await startServer({ rateLimit: { windowMs: 60_000, maximum: 5 } });
  let last = await send(small.origin, '/healthz');
  for (let count = 0; count < 6; count++) last = await send(small.origin, '/healthz');
  assert.equal(last.status, 429);
  assert.equal(last.json.code, 'rate_limited');
  assert.match(String(last.headers['retry-after']), /^\d+$/);
  assert.equal(last.headers['ratelimit-limit'], '5');
});

test('requests that are refused count against the rate limit too', async () => {
  await using small = await startServer({ rateLimit: { windowMs: 60_000, maximum: 5 } });
  const guess = { 'x-api-key': `e2b_${'0'.repeat(40)}` };
  const statuses: number[] = [];
  for (let count = 0; count < 7; count++) {
    statuses.push((await send(small.origin, '/api/v1/workspaces', { headers: guess })).status);
  }
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429]);
});

test('the admin socket is for its owner alone', async () => {
  const { stat } = await import('node:fs/promises');
  const { mode } = await stat(server.adminSocket);
  assert.equal(mode & 0o777, 0o600);
});

test('SIGTERM stops cleanly and is on record', async () => {
  const stopping = await startServer();
  await setUp(stopping);
  stopping.process.kill('SIGTERM');
  const [code] = (await once(stopping.process, 'exit')) as [number];
  assert.equal(code, 0, stopping.log());
  const { withClient } = await import('../support/start-database.ts');
  const rows = await withClient(stopping.database.superuser, (client) =>
    client.query(`select event from audit_events where chain = 'instance' and event like 'server.%' order by sequence`),
  );
  assert.deepEqual(rows.rows, [{ event: 'server.started' }, { event: 'server.stopped' }]);
  await stopping[Symbol.asyncDispose]();
});

test('H4 the server cannot start a process', async () => {
  const { readFile } = await import('node:fs/promises');
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8');
  assert.match(status, /^NoNewPrivs:\s*1$/m);
  assert.match(status, /^Seccomp:\s*2$/m);
});
