import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { createConnection } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls, type ConnectionOptions, type PeerCertificate, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { freePort } from '../support/instance.ts';
import { setUp, type Visitor } from './support/people.ts';
import { send } from './support/request.ts';
import { startServer, type TestServer } from './support/start-server.ts';

let server: TestServer;
let owner: Visitor;
let httpPort: number;
let named: string;

before(async () => {
  httpPort = await freePort();
  const port = await freePort();
  named = `code.example.org:${port}`;
  server = await startServer({
    ...{ tls: true, httpPort, port, production: true },
    publicOrigin: `https://${named}`,
    appHosts: [named, `127.0.0.1:${port}`, `127.0.0.1:${httpPort}`],
    rateLimit: { windowMs: 60_000, maximum: 100_000 },
  });
  owner = await setUp(server);
});
after(() => server[Symbol.asyncDispose]());

async function handshake(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: server.authority, ...options });
  await once(socket, 'secureConnect');
  return socket;
}
const certificateOf = async (servername?: string): Promise<PeerCertificate> => {
  const socket = await handshake({ ...(servername ? { servername } : {}), rejectUnauthorized: false });
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
};

/** A session that is verified, and what ends it. */
function session(): { readonly client: ClientHttp2Session; readonly ended: Promise<unknown> } {
  const client = connect(server.origin, { ca: server.authority });
  client.on('error', () => undefined);
  return { client, ended: once(client, 'close') };
}
const answerOf = async (client: ClientHttp2Session, headers: Record<string, string>): Promise<number> => {
  const stream = client.request(headers);
  stream.resume();
  stream.end();
  const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
  return Number(answer[':status']);
};

describe('H10 TLS ends in the server', () => {
  test('it speaks TLS 1.2 and newer, with forward secrecy, and offers HTTP/2', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake({ maxVersion, ALPNProtocols: ['h2', 'http/1.1'] });
      assert.equal(socket.getProtocol(), maxVersion);
      assert.equal(socket.alpnProtocol, 'h2');
      assert.match(socket.getCipher().standardName, /^TLS_(?:ECDHE_|AES_|CHACHA20_).*(?:GCM|POLY1305)/);
      socket.destroy();
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await assert.rejects(handshake(old), 'TLS 1.1');
    const weak = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-GCM-SHA384' } as const;
    await assert.rejects(handshake(weak), 'without forward secrecy');
    const plain = createConnection(server.port, '127.0.0.1');
    plain.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const chunks: Buffer[] = [];
    plain.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(plain, 'close');
    assert.ok(!Buffer.concat(chunks).toString('latin1').startsWith('HTTP/'), 'and nothing in the clear');
  });

  test('strict transport security is for the name of this server, and never for localhost', async () => {
    const far = await send(server.origin, '/healthz', { headers: { host: named } });
    assert.equal(far.status, 200);
    assert.equal(far.headers['strict-transport-security'], 'max-age=63072000; includeSubDomains');
    const near = await send(server.origin, '/healthz');
    assert.equal(near.status, 200);
    assert.equal(near.headers['strict-transport-security'], undefined);
  });

  test('a cookie is bound to this host and to TLS', async () => {
    assert.match(owner.cookie, /^__Host-casemate=/);
    const answer = await send(server.origin, '/api/v1/session', { headers: { cookie: owner.cookie } });
    assert.notEqual(answer.json['user'], null);
  });

  test('H10 over HTTP/2 the authority is the host, and another beside it is refused', async () => {
    const { client } = session();
    const own = `127.0.0.1:${server.port}`;
    const ask = (headers: Record<string, string>): Promise<number> =>
      answerOf(client, { ':path': '/healthz', ...headers });
    assert.equal(await ask({}), 200);
    assert.equal(await ask({ ':authority': own, host: own }), 200);
    assert.equal(await ask({ ':authority': 'evil.example' }), 421);
    assert.equal(await ask({ ':authority': own, host: 'evil.example' }), 421);
    assert.equal(await ask({ ':authority': 'evil.example', host: own }), 421);
    assert.equal(await ask({ ':path': '*', ':method': 'OPTIONS' }), 421);
    client.close();
  });

  test('what is read and what is sent is bounded over HTTP/2 too', async () => {
    const { client } = session();
    const big = await answerOf(client, { ':path': '/healthz', 'x-big': 'x'.repeat(12_000) });
    assert.ok([200, 431].includes(big), String(big));
    const tooBig = session();
    const stream = tooBig.client.request({ ':path': '/healthz', 'x-big': 'x'.repeat(70_000) });
    const outcome = await Promise.race([
      once(stream, 'response').then(([head]) => Number((head as Record<string, unknown>)[':status'])),
      once(stream, 'error').then(() => 'refused'),
      tooBig.ended.then(() => 'refused'),
    ]).catch(() => 'refused');
    assert.ok(outcome === 'refused' || outcome === 431, String(outcome));
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-${index}`, 'v']));
    const counted = session();
    const crowded = counted.client.request({ ':path': '/healthz', ...many });
    const end = await Promise.race([
      once(crowded, 'response').then(([head]) => Number((head as Record<string, unknown>)[':status'])),
      once(crowded, 'close').then(() => 'refused'),
    ]).catch(() => 'refused');
    assert.ok(end === 'refused' || end === 431, String(end));
    const body = await send(server.origin, '/api/v1/session', {
      method: 'POST',
      body: { email: 'a@example.org', password: 'x'.repeat(1_100_000) },
    }).catch(() => null);
    assert.ok(body === null || body.status === 413, String(body?.status));
    client.close();
    counted.client.destroy();
    tooBig.client.destroy();
    assert.equal((await send(server.origin, '/healthz')).status, 200);
  });
});

describe('H10 certificates are replaced while people work', () => {
  test('the name that is asked for chooses, and what is open goes on with the old one', async () => {
    const before = (await certificateOf('localhost')).fingerprint256;
    const { client } = session();
    assert.equal(await answerOf(client, { ':path': '/healthz' }), 200);
    // A request that is under way: its body comes in two halves, around the change.
    const stream = client.request({
      ':path': '/api/v1/session',
      ':method': 'POST',
      'content-type': 'application/json',
    });
    stream.write('{"email":"nobody@example.org",');
    const http1 = await handshake({ ALPNProtocols: ['http/1.1'] });
    http1.write('GET /healthz HTTP/1.1\r\n');

    const next = await server.issue(['localhost', '127.0.0.1']);
    const wild = await server.issue(['code.example.org', '*.code.example.org']);
    server.tell({ type: 'certificates', pairs: [next, wild] });
    while ((await certificateOf('localhost')).fingerprint256 === before) await wait(20);

    stream.end('"password":"no-such-password"}');
    const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
    assert.equal(answer[':status'], 401, 'the request that was under way is answered');
    stream.resume();
    http1.write(`Host: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`);
    const [bytes] = (await once(http1, 'data')) as [Buffer];
    assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 200/);
    assert.equal(await answerOf(client, { ':path': '/healthz' }), 200, 'and so does its connection');
    client.close();

    const names = async (name?: string) => (await certificateOf(name)).subjectaltname;
    assert.match((await names('code.example.org')) ?? '', /code\.example\.org/);
    assert.match((await names('3000-abc.code.example.org')) ?? '', /\*\.code\.example\.org/);
    assert.match((await names('api.code.example.org')) ?? '', /\*\.code\.example\.org/);
    assert.match((await names('a.b.code.example.org')) ?? '', /localhost/, 'a wildcard is one label');
    assert.match((await names()) ?? '', /localhost/, 'without a name');
  });

  test('a pair that does not fit, or is half there, changes nothing', async () => {
    const served = (await certificateOf('localhost')).fingerprint256;
    const [one, two] = [await server.issue(['localhost']), await server.issue(['localhost'])];
    const half = { certificate: one.certificate.slice(0, 300), key: one.key };
    server.tell({ type: 'certificates', pairs: [{ certificate: one.certificate, key: two.key }] });
    server.tell({ type: 'certificates', pairs: [half] });
    while (server.log().match(/the old ones stay/g)?.length !== 2) await wait(20);
    assert.equal((await certificateOf('localhost')).fingerprint256, served);
    assert.ok(!server.log().includes('PRIVATE KEY'));
    server.tell({ type: 'certificates', pairs: [{ certificate: '', key: 'x' }] });
    while (!server.log().includes('a message that is not known')) await wait(20);
  });
});

describe('H10 plain HTTP beside TLS', () => {
  const plain = (path: string, headers: Record<string, string>, method = 'GET') =>
    send(`http://127.0.0.1:${httpPort}`, path, { headers, method });

  test('everybody is sent on to https, to names of this server only', async () => {
    const found = await plain('/w/abc?x=1&y=%20', { host: 'code.example.org' });
    assert.equal(found.status, 308);
    assert.equal(found.headers['location'], `https://${named}/w/abc?x=1&y=%20`);
    const below = await plain('/', { host: 'api.code.example.org:80' }, 'POST');
    assert.equal(below.status, 308);
    assert.equal(below.headers['location'], `https://api.${named}/`);
    for (const host of [
      'evil.example',
      'code.example.org.evil.example',
      'evil.example/.code.example.org',
      'a.b.code.example.org',
    ]) {
      const refused = await plain('/', { host });
      assert.equal(refused.status, 421, host);
      assert.equal(refused.headers['location'], undefined, host);
    }
    assert.match(
      String((await plain('//evil.example/', { host: 'code.example.org' })).headers['location']),
      /^https:\/\/code\.example\.org:/,
    );
    assert.equal((await plain('http://evil.example/', { host: 'code.example.org' })).status, 400);
  });

  test('challenges are answered while they are open', async () => {
    const token = 'a-token-of-the-authority';
    const path = `/.well-known/acme-challenge/${token}`;
    assert.equal((await plain(path, { host: 'code.example.org' })).status, 404);
    server.tell({ type: 'challenge', token, answer: `${token}.thumbprint` });
    while ((await plain(path, { host: 'code.example.org' })).status !== 200) await wait(20);
    const answer = await plain(path, { host: 'code.example.org' });
    assert.equal(answer.text, `${token}.thumbprint`);
    assert.equal(answer.headers['content-type'], 'application/octet-stream');
    server.tell({ type: 'challenge', token, answer: null });
    while ((await plain(path, { host: 'code.example.org' })).status !== 404) await wait(20);
  });

  test('on this machine it is the app, for who asks for it by a loopback name', async () => {
    const own = { host: `127.0.0.1:${httpPort}` };
    assert.equal((await plain('/healthz', own)).status, 200);
    const socket = new WebSocket(`ws://127.0.0.1:${httpPort}/api/v1/terminals/${'a'.repeat(20)}/socket`, ['x']);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    assert.equal(response.statusCode, 401, 'a WebSocket reaches the app as well');
    const far = new WebSocket(`ws://127.0.0.1:${httpPort}/`, { headers: { host: 'code.example.org' } });
    const [, refused] = (await once(far, 'unexpected-response')) as [unknown, { statusCode: number }];
    assert.equal(refused.statusCode, 426);
  });
});

describe('H16 a hostile HTTP/2 client', () => {
  const healthy = async (): Promise<void> => assert.equal((await send(server.origin, '/healthz')).status, 200);

  test('gets a hundred streams at once and no more', async () => {
    const { client, ended } = session();
    const [settings] = (await once(client, 'remoteSettings')) as [
      { maxConcurrentStreams: number; maxHeaderListSize: number },
    ];
    assert.equal(settings.maxConcurrentStreams, 100);
    assert.equal(settings.maxHeaderListSize, 16_384);
    client.destroy();
    await ended;
  });

  test('is cut off when it opens and resets streams, pings or changes settings without end', async () => {
    // Each stream is opened and reset at once (CVE-2023-44487), frame by frame: a client would hold them back.
    let stream = 1;
    const resets = (): Buffer => {
      const host = Buffer.from(`127.0.0.1:${server.port}`);
      const block = Buffer.concat([Buffer.from([0x82, 0x87, 0x84, 0x41, host.length]), host]);
      const frames = Array.from({ length: 50 }, () => {
        const id = Buffer.alloc(4);
        id.writeUInt32BE(stream);
        stream += 2;
        const head = Buffer.concat([Buffer.from([0, 0, block.length, 1, 5]), id, block]);
        return Buffer.concat([head, Buffer.from([0, 0, 4, 3, 0]), id, Buffer.from([0, 0, 0, 8])]);
      });
      return Buffer.concat(frames);
    };
    const many = (frame: string) => (): Buffer => Buffer.from(frame.repeat(2000), 'hex');
    for (const [what, frames] of [
      ['rapid reset', resets],
      ['PING', many('0000080600000000000102030405060708')],
      ['SETTINGS', many('000000040000000000')],
    ] as const) {
      const socket = await handshake({ ALPNProtocols: ['h2'] });
      socket.on('error', () => undefined);
      const closed = new Promise((resolve) => void socket.once('close', () => resolve('closed')));
      socket.write(
        Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('000000040000000000', 'hex')]),
      );
      // Never read, so that answers pile up there.
      socket.pause();
      const pump = setInterval(() => void (socket.writable && socket.write(frames())), 5);
      const outcome = await Promise.race([closed, wait(8000, 'open')]);
      clearInterval(pump);
      socket.destroy();
      assert.equal(outcome, 'closed', `${what} (${(stream - 1) / 2} streams)`);
    }
    await healthy();
  });

  test('does not escape the limit on requests', async () => {
    const { client } = session();
    const answers = await Promise.all(
      Array.from({ length: 40 }, () =>
        answerOf(client, { ':path': '/api/v1/setup', ':method': 'POST', origin: server.origin }),
      ),
    );
    assert.ok(answers.includes(429), answers.join(' '));
    client.close();
    await healthy();
  });
});
