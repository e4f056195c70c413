import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { rawRequest } from '../support/raw-request.ts';
import { type RunningBroker, startBroker, type TestDoor } from '../support/start-broker.ts';

let server: Server;
let port: number;
let answer: (socket: Socket, request: string) => void;
let broker: RunningBroker;
let door: TestDoor;

before(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => answer(socket, bytes.toString('latin1')));
  });
  server.listen(0, '127.0.0.6');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  ({ port } = address);
  broker = await startBroker({ privateDestinations: [{ host: '127.0.0.6', port }] });
  door = await broker.openDoor({ sets: [], allow: [{ host: '127.0.0.6', ports: [port] }], deny: [] });
});

after(async () => {
  await broker[Symbol.asyncDispose]();
  server.close();
});

const ask = (method = 'GET', path = '/', more = ''): Promise<string> =>
  rawRequest(
    door.port,
    `${method} http://127.0.0.6:${port}${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`,
    4000,
  );

/** What a hostile upstream says, and what the guest may see of it. */
const hostile: readonly [name: string, bytes: string, seen: RegExp][] = [
  ['nothing at all', '', /^HTTP\/1\.1 502 /],
  ['garbage', 'not http at all\r\n\r\n', /^HTTP\/1\.1 502 /],
  ['control characters in the reason', 'HTTP/1.1 200 \x01\x02\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 200 \r\n/],
  ['a status below 100', 'HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 502 /],
  ['status 000', 'HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 502 /],
  [
    'an upgrade that nobody asked for',
    'HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes',
    /^HTTP\/1\.1 502 /,
  ],
  [
    'both framings',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    /^HTTP\/1\.1 502 /,
  ],
  ['oversize fields', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(80_000)}\r\n\r\n`, /^HTTP\/1\.1 502 /],
  ['a NUL in a field', 'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n', /^HTTP\/1\.1 502 /],
  ['a folded field', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n', /^HTTP\/1\.1 (?:502|200) /],
  ['interim answers and then nothing', 'HTTP/1.1 103 x\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n', /502 /],
];

test('a hostile upstream harms neither guest nor broker', async () => {
  for (const [name, bytes, seen] of hostile) {
    answer = (socket) => socket.end(bytes, 'latin1');
    assert.match(await ask(), seen, `${name} ${broker.output()}`);
  }
  answer = (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  assert.match(await ask(), /^HTTP\/1\.1 200 OK[\s\S]*\r\n\r\nok$/);
});

test('a second answer behind the first is never taken for the next request', async () => {
  let turn = 0;
  answer = (socket) => {
    turn += 1;
    const first = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst';
    const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged';
    socket.write(turn === 1 ? first + forged : 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal');
  };
  assert.match(await ask(), /first$/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.match(await ask('GET', '/2'), /real$/);
});

test('a truncated answer is seen as truncated', async () => {
  answer = (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
  assert.match(await ask(), /Content-Length: 100\r\n[\s\S]*short$/i);
  answer = (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n');
  assert.doesNotMatch(await ask(), /0\r\n\r\n$/);
});

test('fields about the upstream connection stay there', async () => {
  answer = (socket) =>
    socket.end(
      'HTTP/1.1 200 Fine\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\n' +
        'Alt-Svc: h3=":443"\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n',
    );
  const seen = await ask();
  assert.match(seen, /^HTTP\/1\.1 200 Fine\r\n[\s\S]*X-Kept: 1\r\n/);
  assert.doesNotMatch(seen, /x-hop|timeout=9|proxy-authenticate|alt-svc/i);
});

test('a kept connection that died is replaced for a request that may be repeated, once', async () => {
  let connections = 0;
  const count = (): void => {
    connections += 1;
  };
  server.on('connection', count);
  let kept: Socket | undefined;
  answer = (socket) => {
    if (kept === socket) {
      socket.resetAndDestroy();
      return;
    }
    kept = socket;
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  };
  assert.match(await ask(), /200 OK/);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.match(await ask('GET', '/again'), /200 OK/);
  assert.equal(connections, 2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.match(await ask('POST', '/', 'Content-Length: 0\r\n'), /^HTTP\/1\.1 502 /);
  server.off('connection', count);
});

test('an upstream that answers before it has read the body is heard', async () => {
  let answered = false;
  answer = (socket) => {
    if (answered) return;
    answered = true;
    socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge');
    // A server that closed at once would reset its own answer (RFC 9112 §9.6).
    setTimeout(() => socket.end(), 200);
  };
  const body = 'x'.repeat(2_000_000);
  const seen = await rawRequest(
    door.port,
    `POST http://127.0.0.6:${port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.match(seen, /^HTTP\/1\.1 413 [\s\S]*large$/);
});

test('an answer that takes longer than connections are kept idle still comes', async () => {
  answer = (socket) => {
    setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate'), 5000);
  };
  const seen = await rawRequest(
    door.port,
    `GET http://127.0.0.6:${port}/late HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    9000,
  );
  assert.match(seen, /late$/);
});
