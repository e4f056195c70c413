import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { rawRequest } from '../support/raw-request.ts';
import { createKey, setUp, type Visitor } from './support/people.ts';
import { send } from './support/request.ts';
import { startServer, type TestServer } from './support/start-server.ts';

let server: TestServer;
let owner: Visitor;
let key: string;
before(async () => {
  server = await startServer();
  owner = await setUp(server);
  key = (await createKey(server, ['*'])).secret;
});
after(async () => server[Symbol.asyncDispose]());

const head = (line: string, ...fields: string[]): string => `${[line, ...fields].join('\r\n')}\r\n\r\n`;
const post = (body: string, ...fields: string[]): string =>
  head(
    'POST /api/v1/workspaces HTTP/1.1',
    `Host: ${server.host}`,
    'Content-Type: application/json',
    `X-API-KEY: ${key}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...fields,
  ) + body;

test('no bytes that a stranger sends are answered with a failure of the server', { timeout: 120_000 }, async () => {
  const host = `Host: ${server.host}`;
  const close = 'Connection: close';
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const table: readonly (readonly [string, string, RegExp])[] = [
    ['HTTP/1.0 without a host', head('GET /healthz HTTP/1.0'), /^HTTP\/1\.1 4(00|21)/],
    ['HTTP/1.1 without a host', head('GET /healthz HTTP/1.1', close), /^HTTP\/1\.1 4(00|21)/],
    ['two hosts', head('GET /healthz HTTP/1.1', host, 'Host: evil.example', close), /^HTTP\/1\.1 4(00|21)/],
    ['the same host twice', head('GET /healthz HTTP/1.1', host, host, close), /^HTTP\/1\.1 4(00|21)/],
    ['a host with a user', head('GET /healthz HTTP/1.1', `Host: a@${server.host}`, close), /^HTTP\/1\.1 421/],
    ['a host without its port', head('GET /healthz HTTP/1.1', 'Host: 127.0.0.1', close), /^HTTP\/1\.1 421/],
    ['a whole URL', head(`GET http://evil.example/healthz HTTP/1.1`, host, close), /^HTTP\/1\.1 4(00|21)/],
    ['CONNECT', head('CONNECT evil.example:443 HTTP/1.1', host, close), /^(HTTP\/1\.1 4\d\d|$)/],
    ['TRACE', head('TRACE /healthz HTTP/1.1', host, close), /^HTTP\/1\.1 4(00|04|05)/],
    ['OPTIONS *', head('OPTIONS * HTTP/1.1', host, close), /^HTTP\/1\.1 4\d\d/],
    ['half an escape', head('GET /api/v1/workspaces/%E0%A4%A HTTP/1.1', host, close), /^HTTP\/1\.1 4(00|04)/],
    ['a NUL in the path', head('GET /api/v1/workspaces/%00 HTTP/1.1', host, close), /^HTTP\/1\.1 40\d/],
    ['a path upwards', head('GET /assets/../../../etc/passwd HTTP/1.1', host, close), /^HTTP\/1\.1 40\d/],
    ['a long path', head(`GET /api/v1/workspaces/${'a'.repeat(9000)} HTTP/1.1`, host, close), /^HTTP\/1\.1 4\d\d/],
    [
      'an upgrade of nothing',
      head('GET /nothing HTTP/1.1', host, ...upgrade, `Sec-WebSocket-Key: ${'A'.repeat(22)}==`),
      /^HTTP\/1\.1 4\d\d/,
    ],
    [
      'an upgrade of a page',
      head('GET / HTTP/1.1', host, ...upgrade, `Sec-WebSocket-Key: ${'A'.repeat(22)}==`),
      /^HTTP\/1\.1 4\d\d/,
    ],
    [
      'an upgrade to HTTP/2',
      head(
        'GET /healthz HTTP/1.1',
        host,
        'Connection: Upgrade, HTTP2-Settings, close',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABk',
      ),
      /^HTTP\/1\.1 [24]\d\d/,
    ],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1\.1 4\d\d/],
    ['a TLS hello', '\u0016\u0003\u0001\u0000\u00a5\u0001\u0000', /^HTTP\/1\.1 400/],
    ['a negative length', head('POST /api/v1/session HTTP/1.1', host, 'Content-Length: -1', close), /^HTTP\/1\.1 400/],
    [
      'two lengths',
      head('POST /api/v1/session HTTP/1.1', host, 'Content-Length: 1', 'Content-Length: 2', close),
      /^HTTP\/1\.1 400/,
    ],
    [
      'an odd coding',
      head('POST /api/v1/session HTTP/1.1', host, 'Transfer-Encoding: gzip', close),
      /^HTTP\/1\.1 (4|50[01])/,
    ],
    ['deep JSON', post(`{"name":${'['.repeat(200_000)}${']'.repeat(200_000)}}`), /^HTTP\/1\.1 400/],
    [
      'deep JSON, with an idempotency key',
      post(`{"name":"a","x":${'['.repeat(9000)}${']'.repeat(9000)}}`, 'Idempotency-Key: k'),
      /^HTTP\/1\.1 400/,
    ],
    ['a prototype', post('{"name":"a","__proto__":{"admin":true}}'), /^HTTP\/1\.1 400/],
    ['a constructor', post('{"name":"a","constructor":{"prototype":{}}}'), /^HTTP\/1\.1 400/],
    ['a huge number', post('{"name":1e999}'), /^HTTP\/1\.1 400/],
    ['a lone surrogate', post('{"name":"\\ud800"}'), /^HTTP\/1\.1 400/],
    ['a body that is null', post('null'), /^HTTP\/1\.1 400/],
    ['no body at all', post(''), /^HTTP\/1\.1 400/],
    ['two idempotency keys', post('{"name":"twice"}', 'Idempotency-Key: a', 'Idempotency-Key: b'), /^HTTP\/1\.1 4\d\d/],
    ['two API keys', post('{"name":"twice"}', `X-API-KEY: ${key}`), /^HTTP\/1\.1 4\d\d/],
    [
      'a made-up key before a good cookie',
      head('GET /api/v1/workspaces HTTP/1.1', host, `Cookie: ${owner.cookie}`, 'X-API-KEY: e2b_0', close),
      /^HTTP\/1\.1 401/,
    ],
    [
      'a tossed cookie',
      head('GET /api/v1/workspaces HTTP/1.1', host, `Cookie: casemate=x; ${owner.cookie.split('=')[0]}=x`, close),
      /^HTTP\/1\.1 401/,
    ],
  ];
  for (const [what, bytes, expected] of table) {
    const answer = await rawRequest(server.port, Buffer.from(bytes, 'latin1'));
    assert.match(answer, expected, what);
    assert.ok(!/evil\.example|__proto__|etc\/passwd/.test(answer), `${what} is repeated: ${answer}`);
    if (!/Transfer-Encoding: gzip/.test(bytes)) assert.doesNotMatch(answer, /^HTTP\/1\.1 5/, what);
  }
  assert.equal((await send(server.origin, '/healthz')).status, 200);
});

test('a request that is still being sent when its session ends is refused, and nothing is done', async () => {
  const answer = await send(server.origin, '/api/v1/session', {
    method: 'POST',
    body: { email: 'owner@example.org', password: 'umbrella-tadpole-seventeen-copper' },
  });
  const cookie = String((answer.headers['set-cookie'] as string[])[0]).split(';')[0] ?? '';
  const csrf = String(answer.json['csrfToken']);
  const signedIn = { cookie, 'x-csrf-token': csrf, origin: server.origin };
  const body = JSON.stringify({ name: 'too late' });
  const slow = connect(server.port, '127.0.0.1');
  let text = '';
  slow.on('data', (chunk: Buffer) => (text += chunk.toString()));
  slow.write(
    head(
      'POST /api/v1/workspaces HTTP/1.1',
      `Host: ${server.host}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close',
      ...Object.entries(signedIn).map(([name, value]) => `${name}: ${value}`),
    ) + body.slice(0, 5),
  );
  await wait(500);
  assert.equal((await send(server.origin, '/api/v1/session', { method: 'DELETE', headers: signedIn })).status, 204);
  slow.write(body.slice(5));
  await once(slow, 'close');
  assert.match(text, /^HTTP\/1\.1 401/);
  const list = await owner.send('GET', '/api/v1/workspaces');
  assert.ok(!list.text.includes('too late'));
});

test('two set-ups at once make one owner, and many sign-ins at once leave three sessions', {
  timeout: 60_000,
}, async () => {
  await using fresh = await startServer();
  const token = fresh.setupPath?.split('#')[1] ?? '';
  const password = 'umbrella-tadpole-seventeen-copper';
  const answers = await Promise.all(
    ['one', 'two', 'three'].map((name) =>
      send(fresh.origin, '/api/v1/setup', {
        method: 'POST',
        body: { token, email: `${name}@example.org`, name, password },
      }),
    ),
  );
  const made = answers.findIndex(({ status }) => status === 201);
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(answers.filter(({ status }) => status < 500).length, 3);
  const email = `${['one', 'two', 'three'][made]}@example.org`;
  const sessions = await Promise.all(
    Array.from({ length: 4 }, () =>
      send(fresh.origin, '/api/v1/session', { method: 'POST', body: { email, password } }),
    ),
  );
  const cookies = [...sessions, answers[made] as (typeof answers)[0]]
    .filter(({ status }) => status === 201)
    .map(({ headers }) => String((headers['set-cookie'] as string[])[0]).split(';')[0] ?? '');
  const live = await Promise.all(
    cookies.map((cookie) =>
      send(fresh.origin, '/api/v1/workspaces', { headers: { cookie, 'sec-fetch-site': 'none' } }),
    ),
  );
  assert.equal(live.filter(({ status }) => status === 200).length, 3);
});

test('a name with control characters is refused', async () => {
  await using fresh = await startServer();
  for (const name of ['a\u001b[2J', 'a\nb', 'a\u007f', 'a\u2028b']) {
    const answer = await send(fresh.origin, '/api/v1/setup', {
      method: 'POST',
      body: { token: 'A'.repeat(43), email: 'a@example.org', name, password: 'umbrella-tadpole-seventeen-copper' },
    });
    assert.equal(answer.status, 400, JSON.stringify(name));
  }
});

test('headers that never end are cut off', { timeout: 60_000 }, async () => {
  const started = performance.now();
  const socket = connect(server.port, '127.0.0.1');
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${server.host}\r\n`);
  const drip = setInterval(() => socket.write('X-A: b\r\n'), 1000);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  clearInterval(drip);
  assert.match(text, /^HTTP\/1\.1 408/);
  assert.ok(performance.now() - started < 40_000);
});
