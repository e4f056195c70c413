import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { Policy } from '#contract/policy.ts';
import { rawRequest } from '../support/raw-request.ts';
import { type RunningBroker, startBroker, type TestDoor } from '../support/start-broker.ts';
import { makeCertificate, startUpstream, type TestCertificate, type Upstream } from '../support/upstream.ts';

let directory: string;
let certificate: TestCertificate;
let upstream: Upstream;
let secure: Upstream;
let broker: RunningBroker;
let door: TestDoor;
let policy: Policy;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'casemate-broker-attacks-'));
  certificate = await makeCertificate(directory, 'DNS:localhost,DNS:other.example');
  upstream = await startUpstream();
  secure = await startUpstream({ host: '127.0.0.1', tls: certificate });
  broker = await startBroker({
    privateDestinations: [
      { host: '127.0.0.2', port: upstream.port },
      { host: 'localhost', port: secure.port },
    ],
  });
  policy = {
    sets: [],
    allow: [
      { host: '127.0.0.2', ports: [upstream.port] },
      { host: 'localhost', ports: [secure.port] },
      ...['127.0.0.1', '169.254.169.254', '10.0.0.1', '[::1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]'].map((host) => ({
        host,
        ports: [80, 443, 3128],
      })),
    ],
    deny: [],
  };
  door = await broker.openDoor(policy);
});

after(async () => {
  await broker[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
const target = (): string => `http://127.0.0.2:${upstream.port}`;

/** name, exact bytes, status; none of them may reach the upstream. */
const refused: readonly [name: string, bytes: () => string, status: number][] = [
  [
    'both framings',
    () => `POST ${target()}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'both framings, other order',
    () => `POST ${target()}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'two lengths',
    () => `POST ${target()}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`,
    400,
  ],
  ['a length list', () => `POST ${target()}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4, 5\r\n\r\nabcde`, 400],
  ['a signed length', () => `POST ${target()}/ HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nabcd`, 400],
  [
    'a coding that is not chunked',
    () => `POST ${target()}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    501,
  ],
  [
    'an unknown coding',
    () => `POST ${target()}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'white space before the colon',
    () => `POST ${target()}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['a folded field', () => `GET ${target()}/ HTTP/1.1\r\nHost: x\r\nX: a\r\n  Y: b\r\n\r\n`, 400],
  ['a bare CR in a field', () => `GET ${target()}/ HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n`, 400],
  ['a NUL in a field', () => `GET ${target()}/ HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n`, 400],
  ['no Host', () => `GET ${target()}/ HTTP/1.1\r\n\r\n`, 400],
  ['oversize fields', () => `GET ${target()}/ HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
  ['an oversize target', () => `GET ${target()}/${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ['TRACE', () => `TRACE ${target()}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 405],
  ['an https URL', () => `GET https://127.0.0.2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 400],
  ['an ftp URL', () => `GET ftp://127.0.0.2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 400],
  [
    'user information',
    () => `GET http://127.0.0.2:${upstream.port}@10.0.0.1/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    400,
  ],
  [
    'a backslash authority',
    () => `GET http://10.0.0.1\\@127.0.0.2:${upstream.port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    400,
  ],
  [
    'an allowed Host on a refused URL',
    () => `GET http://10.0.0.2/ HTTP/1.1\r\nHost: 127.0.0.2:${upstream.port}\r\nConnection: close\r\n\r\n`,
    403,
  ],
  ['CONNECT to the door itself', () => 'CONNECT 127.0.0.1:3128 HTTP/1.1\r\n\r\n', 403],
  ['CONNECT to the metadata address', () => 'CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n', 403],
  ['the metadata address as a number', () => 'CONNECT 2852039166:80 HTTP/1.1\r\n\r\n', 403],
  ['loopback in hexadecimal', () => 'CONNECT 0x7f.1:80 HTTP/1.1\r\n\r\n', 403],
  ['loopback in octal', () => 'CONNECT 0177.0.0.1:80 HTTP/1.1\r\n\r\n', 403],
  ['IPv6 loopback', () => 'CONNECT [::1]:80 HTTP/1.1\r\n\r\n', 403],
  ['IPv4-mapped loopback', () => 'CONNECT [::ffff:127.0.0.1]:80 HTTP/1.1\r\n\r\n', 403],
  ['NAT64 loopback', () => 'CONNECT [64:ff9b::127.0.0.1]:80 HTTP/1.1\r\n\r\n', 403],
  ['a zone id', () => 'CONNECT [fe80::1%eth0]:80 HTTP/1.1\r\n\r\n', 400],
  ['CONNECT without a port', () => 'CONNECT localhost HTTP/1.1\r\n\r\n', 400],
  ['CONNECT with a URL', () => 'CONNECT http://localhost:443 HTTP/1.1\r\n\r\n', 400],
  ['CONNECT to a name not in the policy', () => 'CONNECT data-of-mine.evil.example:443 HTTP/1.1\r\n\r\n', 403],
  ['CONNECT to an allowed name on another port', () => `CONNECT localhost:${secure.port + 1} HTTP/1.1\r\n\r\n`, 403],
  ['garbage', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 400],
  ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
];

test('hostile requests are answered clearly and reach nobody', async () => {
  const before = upstream.connections();
  for (const [name, bytes, status] of refused) {
    const answer = await rawRequest(door.port, Buffer.from(bytes(), 'latin1'));
    assert.equal(statusOf(answer), status, `${name}: ${answer.slice(0, 300)}`);
    assert.doesNotMatch(answer, /node:|\.ts:|at async|ECONN|EACCES|\/run\//, name);
  }
  assert.equal(upstream.connections(), before);
  assert.equal(secure.requests.length, 0);
});

test('a request line smuggled into a body stays a body', async () => {
  const before = upstream.requests.length;
  const hidden = `GET ${target()}/hidden HTTP/1.1\r\nHost: x\r\n\r\n`;
  await rawRequest(
    door.port,
    `POST ${target()}/outer HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  );
  const seen = upstream.requests.slice(before);
  assert.deepEqual(
    seen.map(({ url, bytes }) => [url, bytes]),
    [['/outer', hidden.length]],
  );
});

test('requests of one connection are each decided on their own', async () => {
  const before = upstream.requests.length;
  const answer = await rawRequest(
    door.port,
    `GET ${target()}/first HTTP/1.1\r\nHost: x\r\n\r\nGET http://10.9.9.9/ HTTP/1.1\r\nHost: x\r\n\r\n` +
      `GET ${target()}/third HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  assert.deepEqual(statuses, [200, 403, 200]);
  assert.deepEqual(
    upstream.requests
      .slice(before)
      .map(({ url }) => url)
      .sort(),
    ['/first', '/third'],
  );
});

test('a refusal says what was refused, why, and how a person can allow it', async () => {
  const answer = await rawRequest(door.port, 'CONNECT evil.example:443 HTTP/1.1\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\nContent-Type: text\/plain/);
  assert.match(answer, /refused evil\.example:443: not in the policy\. .*Allow for this workspace.*casemate policy/);
  const guarded = await rawRequest(door.port, 'CONNECT 10.0.0.1:80 HTTP/1.1\r\n\r\n');
  assert.match(guarded, /not a public address .*CASEMATE_PRIVATE_DESTINATIONS/);
});

async function tunnel(host: string, port: number): Promise<Socket> {
  const socket = connect(door.port, '127.0.0.1');
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.equal(statusOf(answer.toString()), 200);
  return socket;
}

test('H13 a TLS hello that names another host than the CONNECT, or none, ends the tunnel', async () => {
  const ca = await readFile(certificate.caFile);
  const attempt = async (servername: string | undefined): Promise<string> => {
    const socket = await tunnel('localhost', secure.port);
    const tls = connectTls({
      socket,
      ca,
      ...(servername === undefined ? {} : { servername }),
      rejectUnauthorized: false,
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    tls.once('secureConnect', () => resolve('connected'));
    tls.once('error', (error: Error) => resolve(error.message));
    tls.once('close', () => resolve('closed'));
    const outcome = await promise;
    tls.destroy();
    return outcome;
  };
  assert.equal(await attempt('localhost'), 'connected');
  assert.equal(await attempt('LOCALHOST'), 'connected');
  assert.match(await attempt('other.example'), /unrecognized name/i);
  assert.match(await attempt(undefined), /unrecognized name/i);
  const reasons = (await broker.journal())
    .filter(({ kind }) => kind === 'egress.refused')
    .map(({ data }) => data['reason']);
  assert.ok(reasons.includes('TLS server name is not the CONNECT host'));
  assert.ok(reasons.includes('TLS hello has no server name'));
});

test('a hello that never ends, or breaks the grammar, is not passed on', async () => {
  const before = secure.requests.length;
  for (const bytes of [
    [22, 3, 1, 0, 0],
    [22, 9, 9, 0, 1, 1],
    [22, 3, 1, 255, 255, 1],
  ]) {
    const socket = await tunnel('localhost', secure.port);
    socket.write(Buffer.from(bytes));
    const [alert] = (await once(socket, 'data')) as [Buffer];
    assert.deepEqual([...alert], [21, 3, 3, 0, 2, 2, 112]);
    await once(socket, 'close');
  }
  assert.equal(secure.requests.length, before);
});

test('plain bytes through a tunnel pass only where the policy itself names the port, and are recorded', async () => {
  const socket = await tunnel('127.0.0.2', upstream.port);
  socket.write('GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  const closed = (await broker.journal()).filter(({ kind }) => kind === 'egress.closed').at(-1);
  assert.equal(closed?.data['outcome'], 'ended (plain bytes)');
});

test('a policy that changes in mid-flight ends what it no longer allows, within a second', async () => {
  const own = await broker.openDoor(policy);
  const open = async (): Promise<Socket> => {
    const socket = connect(own.port, '127.0.0.1');
    socket.write(`CONNECT 127.0.0.2:${upstream.port} HTTP/1.1\r\n\r\n`);
    await once(socket, 'data');
    return socket;
  };
  upstream.answer((_request, reply) => {
    reply.write('never ends');
  });
  const tunnelled = await open();
  const plain = connect(own.port, '127.0.0.1');
  plain.write(`GET ${target()}/stream HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(plain, 'data');
  plain.resume();
  const ends = Promise.all([once(tunnelled, 'close'), once(plain, 'close')]);
  const began = Date.now();
  await broker.setPolicy(own, { sets: [], allow: [], deny: [] });
  await ends;
  assert.ok(Date.now() - began < 1000);
  const outcomes = (await broker.journal())
    .filter(({ kind, data }) => kind === 'egress.closed' && data['sandboxId'] === own.sandboxId)
    .map(({ data }) => data['outcome']);
  assert.deepEqual(outcomes, ['ended by policy', 'ended by policy']);
});

test('a door that closes ends its connections and answers no more', async () => {
  const own = await broker.openDoor(policy);
  const other = await tunnel('127.0.0.2', upstream.port);
  const socket = connect(own.port, '127.0.0.1');
  socket.write(`CONNECT 127.0.0.2:${upstream.port} HTTP/1.1\r\n\r\n`);
  await once(socket, 'data');
  broker.closeDoor(own.sandboxId);
  await once(socket, 'close');
  const again = connect(own.port, '127.0.0.1');
  const [error] = (await once(again, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
  assert.equal(other.destroyed, false);
  other.destroy();
});

test('one sandbox that opens connections without end is held to its share, and others are served', async () => {
  const own = await broker.openDoor(policy);
  const sockets: Socket[] = [];
  for (let index = 0; index < 600; index += 1) {
    const socket = connect(own.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`CONNECT 127.0.0.2:${upstream.port} HTTP/1.1\r\n\r\n`);
    sockets.push(socket);
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  const mine = upstream.server as Server;
  const count = await new Promise<number>((resolve, reject) =>
    mine.getConnections((error, connections) => (error ? reject(error) : resolve(connections))),
  );
  assert.ok(count <= 300, `${count} upstream connections`);
  const answer = await rawRequest(door.port, 'CONNECT evil.example:443 HTTP/1.1\r\n\r\n');
  assert.equal(statusOf(answer), 403);
  for (const socket of sockets) socket.destroy();
});

test('H4 the broker cannot start a program', async () => {
  const status = await readFile(`/proc/${broker.child.pid}/status`, 'utf8');
  assert.match(status, /NoNewPrivs:\t1/);
  assert.match(status, /Seccomp:\t2/);
});
