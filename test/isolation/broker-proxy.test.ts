import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { WebSocketServer } from 'ws';
import type { Policy } from '#contract/policy.ts';
import { startGitServer } from '../support/git-server.ts';
import { rawRequest } from '../support/raw-request.ts';
import { runProgram } from '../support/run-program.ts';
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
  directory = await mkdtemp(path.join(tmpdir(), 'casemate-broker-proxy-'));
  certificate = await makeCertificate(directory, 'DNS:localhost,IP:127.0.0.1');
  upstream = await startUpstream();
  secure = await startUpstream({ host: '127.0.0.1', tls: certificate });
  broker = await startBroker({
    privateDestinations: [
      { host: '127.0.0.2', port: upstream.port },
      { host: 'localhost', port: secure.port },
    ],
    caFile: certificate.caFile,
  });
  policy = {
    sets: [],
    allow: [
      { host: '127.0.0.2', ports: [upstream.port] },
      { host: 'localhost', ports: [secure.port] },
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

const plainUrl = (rest: string): string => `http://127.0.0.2:${upstream.port}${rest}`;
const curl = (...argv: string[]) => runProgram('curl', ['-sS', '--noproxy', '', '-x', door.url, ...argv]);

test("curl reaches an allowed http URL, and Host is the URL's whatever it claims", async () => {
  const { stdout, stderr } = await curl('-H', 'Host: elsewhere.example', plainUrl('/a%20b?x=%2f&y=1'));
  const seen = JSON.parse(stdout || '{}') as { url: string; headers: Record<string, string> };
  assert.equal(stderr, '');
  assert.equal(seen.url, '/a%20b?x=%2f&y=1');
  assert.equal(seen.headers['host'], `127.0.0.2:${upstream.port}`);
});

test('fields about the connection are not passed on, and others keep their order and case', async () => {
  const before = upstream.requests.length;
  await rawRequest(
    door.port,
    `GET ${plainUrl('/')} HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\n` +
      'Connection: close, X-Secret\r\nX-Secret: hop\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nx-two: 2\r\nX-One: 3\r\n\r\n',
  );
  const raw = upstream.requests[before]?.rawHeaders ?? [];
  assert.deepEqual(raw, [
    'Host',
    `127.0.0.2:${upstream.port}`,
    'X-One',
    '1',
    'x-two',
    '2',
    'X-One',
    '3',
    'Connection',
    'keep-alive',
  ]);
});

test('HEAD, chunked uploads, 100-continue, large bodies and HTTP/1.0 clients work', async () => {
  const head = await curl('-I', plainUrl('/'));
  assert.match(head.stdout, /^HTTP\/1\.1 200 OK/);
  const file = path.join(directory, 'body');
  const body = randomBytes(3_000_001);
  await writeFile(file, body);
  const digest = createHash('sha256').update(body).digest('hex');
  for (const framing of [
    ['-H', 'Transfer-Encoding: chunked'],
    ['-H', 'Expect: 100-continue'],
    ['-H', 'Expect:'],
    ['-0'],
  ]) {
    const { stdout, stderr } = await curl(...framing, '--data-binary', `@${file}`, plainUrl('/upload'));
    const seen = JSON.parse(stdout || '{}') as { bytes: number; sha256: string };
    assert.deepEqual(
      { bytes: seen.bytes, sha256: seen.sha256 },
      { bytes: body.length, sha256: digest },
      `${framing} ${stderr}`,
    );
  }
  const empty = await curl('-X', 'POST', plainUrl('/'));
  const { headers } = JSON.parse(empty.stdout) as { headers: Record<string, string> };
  assert.equal(headers['content-length'], '0');
  assert.equal(headers['transfer-encoding'], undefined);
});

test('requests of one guest connection share one upstream connection', async () => {
  const before = upstream.connections();
  const { stdout } = await curl(
    '-w',
    '%{num_connects}\n',
    '-o',
    '/dev/null',
    plainUrl('/1'),
    '-o',
    '/dev/null',
    plainUrl('/2'),
  );
  assert.deepEqual(stdout.trim().split('\n'), ['1', '0']);
  assert.ok(upstream.connections() - before <= 1);
});

test('an answer is streamed as it comes', async () => {
  upstream.answer((_request, reply) => {
    reply.writeHead(200, { 'content-type': 'text/event-stream', 'set-cookie': ['a=1', 'b=2'] });
    reply.write('data: first\n\n');
  });
  try {
    const socket = connect(door.port, '127.0.0.1');
    socket.write(`GET ${plainUrl('/events')} HTTP/1.1\r\nHost: x\r\n\r\n`);
    let text = '';
    while (!text.includes('data: first')) text += String((await once(socket, 'data'))[0]);
    assert.match(text, /set-cookie: a=1\r\nset-cookie: b=2/i);
    socket.destroy();
  } finally {
    upstream.answer(echo);
  }
});

const echo: Parameters<Upstream['answer']>[0] = (request, reply) => {
  request.resume();
  request.on('end', () => reply.end('again\n'));
};

test('TLS goes through CONNECT end to end, with the certificate of the destination', async () => {
  const { stdout, stderr } = await curl('--cacert', certificate.caFile, `https://localhost:${secure.port}/tls?q`);
  assert.equal(stderr, '');
  assert.equal((JSON.parse(stdout) as { url: string }).url, '/tls?q');
});

test("Node's fetch works by its environment alone", async () => {
  const program = `for (const u of process.argv.slice(1)) { const r = await fetch(u); console.log(r.status, (await r.text()).length > 0) }`;
  const { stdout, stderr } = await runProgram(
    process.execPath,
    ['--input-type=module', '-e', program, plainUrl('/fetch'), `https://localhost:${secure.port}/fetch`],
    {
      environment: {
        NODE_USE_ENV_PROXY: '1',
        HTTP_PROXY: door.url,
        HTTPS_PROXY: door.url,
        NODE_EXTRA_CA_CERTS: certificate.caFile,
      },
    },
  );
  assert.equal(stdout, '200 true\n200 true\n', stderr);
});

test('git clones and pushes through the proxy', async () => {
  const root = path.join(directory, 'repositories');
  const quiet = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
  const git = (...argv: string[]) => runProgram('git', argv, { environment: { ...quiet, http_proxy: door.url } });
  await runProgram('git', ['init', '-q', '--bare', '-b', 'main', path.join(root, 'r.git')]);
  await runProgram('git', ['-C', path.join(root, 'r.git'), 'config', 'http.receivepack', 'true']);
  await using server = await startGitServer({ directory: root });
  await using privateBroker = await startBroker({ privateDestinations: [{ host: server.host, port: server.port }] });
  const gitDoor = await privateBroker.openDoor({
    sets: [],
    allow: [{ host: server.host, ports: [server.port] }],
    deny: [],
  });
  const through = (...argv: string[]) =>
    runProgram('git', argv, { environment: { ...quiet, http_proxy: gitDoor.url } });
  const work = path.join(directory, 'work');
  assert.equal((await through('clone', '-q', server.url('r.git'), work)).code, 0);
  await writeFile(path.join(work, 'big'), randomBytes(2_000_000));
  await git('-C', work, 'add', 'big');
  await git('-C', work, '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-qm', 'first');
  const pushed = await through('-C', work, 'push', '-q', 'origin', 'HEAD:main');
  assert.equal(pushed.code, 0, pushed.stderr);
  const again = await through('clone', '-q', server.url('r.git'), path.join(directory, 'again'));
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(await readFile(path.join(directory, 'again/big')), await readFile(path.join(work, 'big')));
});

/** Opens a tunnel and returns its socket once the door has answered 200. */
async function tunnel(host: string, port: number): Promise<Socket> {
  const socket = connect(door.port, '127.0.0.1');
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
  return socket;
}

test('a WebSocket works inside a TLS tunnel', async () => {
  const sockets = new WebSocketServer({ noServer: true });
  secure.server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket as Socket, head, (peer) =>
      peer.on('message', (data: Buffer) => peer.send(`echo ${data.toString()}`)),
    ),
  );
  const socket = await tunnel('localhost', secure.port);
  const ca = await readFile(certificate.caFile);
  const tls = connectTls({ socket, servername: 'localhost', ca });
  const { WebSocket } = await import('ws');
  const peer = new WebSocket(`ws://localhost:${secure.port}/`, { createConnection: () => tls });
  await once(peer, 'open');
  peer.send('hello');
  const [data] = (await once(peer, 'message')) as [Buffer];
  assert.equal(data.toString(), 'echo hello');
  peer.terminate();
});

test('half-close passes through a tunnel in both directions', async () => {
  const { createServer } = await import('node:net');
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.on('end', () => socket.end(`got ${received}`));
  });
  server.listen(0, '127.0.0.3');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  await using other = await startBroker({ privateDestinations: [{ host: '127.0.0.3', port: address.port }] });
  const own = await other.openDoor({ sets: [], allow: [{ host: '127.0.0.3', ports: [address.port] }], deny: [] });
  const socket = connect({ port: own.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.write(`CONNECT 127.0.0.3:${address.port} HTTP/1.1\r\n\r\n`);
  await once(socket, 'data');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.end('all of it');
  await once(socket, 'end');
  assert.equal(answer, 'got all of it');
  const closed = (await other.journal()).find(({ kind }) => kind === 'egress.closed');
  assert.deepEqual(
    [closed?.data['bytesOut'], closed?.data['bytesIn'], closed?.data['outcome']],
    [9, 13, 'ended (plain bytes)'],
  );
  server.close();
});

test('a slow reader holds the upstream back and memory stays flat', async () => {
  const total = 256 * 1024 * 1024;
  let sent = 0;
  upstream.answer((_request, reply) => {
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      while (sent < total) {
        sent += chunk.length;
        if (!reply.write(chunk)) {
          reply.once('drain', more);
          return;
        }
      }
      reply.end();
    };
    more();
  });
  try {
    const resident = async (): Promise<number> => {
      const status = await readFile(`/proc/${broker.child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    };
    const before = await resident();
    const socket = connect(door.port, '127.0.0.1');
    socket.write(`GET ${plainUrl('/huge')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken for a guest that reads nothing`);
    let received = 0;
    let peak = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.resume();
    const timer = setInterval(() => {
      resident().then(
        (now) => {
          peak = Math.max(peak, now);
        },
        () => undefined,
      );
    }, 50);
    await once(socket, 'close');
    clearInterval(timer);
    assert.ok(received > total);
    assert.ok(peak - before < 96 * 1024 * 1024, `the broker grew by ${(peak - before) >> 20} MiB`);
  } finally {
    upstream.answer(echo);
  }
});

test('an upstream that refuses, breaks off or stays away is a 502 and not a hang', async () => {
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  server.listen(0, '127.0.0.4');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const { port } = address;
  await using other = await startBroker({
    privateDestinations: [
      { host: '127.0.0.4', port },
      { host: '127.0.0.5', port },
      { host: 'no-such-name.invalid', port },
    ],
  });
  const hosts = ['127.0.0.4', '127.0.0.5', 'no-such-name.invalid'];
  const own = await other.openDoor({ sets: [], allow: hosts.map((host) => ({ host, ports: [port] })), deny: [] });
  for (const host of hosts) {
    const plain = await rawRequest(
      own.port,
      `GET http://${host}:${port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    assert.match(plain, /^HTTP\/1\.1 502 /, host);
    if (host === '127.0.0.4') continue;
    const tunnelled = await rawRequest(own.port, `CONNECT ${host}:${port} HTTP/1.1\r\n\r\n`);
    assert.match(tunnelled, /^HTTP\/1\.1 502 /, host);
  }
  server.close();
});
