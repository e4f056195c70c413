import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { maximumHelloBytes, readFirstBytes } from '#broker/client-hello.ts';

/** The hello that this machine's OpenSSL sends. */
async function captureHello(servername?: string): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.once('data', (bytes) => {
      resolve(bytes);
      socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const socket = connect(address.port, '127.0.0.1');
  const tls = connectTls({ socket, ...(servername === undefined ? {} : { servername }), rejectUnauthorized: false });
  tls.on('error', () => undefined);
  const hello = await promise;
  server.close();
  return hello;
}

let hello: Buffer;
before(async () => {
  hello = await captureHello('Name.Example');
});

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const extension = (type: number, body: Buffer): Buffer => Buffer.concat([u16(type), u16(body.length), body]);
const serverName = (name: string, type = 0): Buffer =>
  extension(
    0,
    Buffer.concat([u16(name.length + 3), Buffer.from([type]), u16(name.length), Buffer.from(name, 'latin1')]),
  );

interface HelloParts {
  readonly extensions?: readonly Buffer[];
  readonly sessionId?: number;
  readonly suites?: Buffer;
  readonly trailing?: Buffer;
}

function handshake({
  extensions,
  sessionId = 32,
  suites = u16(0x1301),
  trailing = Buffer.alloc(0),
}: HelloParts): Buffer {
  const joined = Buffer.concat(extensions ?? []);
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32),
    Buffer.from([sessionId]),
    Buffer.alloc(sessionId),
    u16(suites.length),
    suites,
    Buffer.from([1, 0]),
    ...(extensions ? [u16(joined.length), joined] : []),
    trailing,
  ]);
  return Buffer.concat([Buffer.from([1, body.length >> 16]), u16(body.length & 0xffff), body]);
}
const record = (bytes: Buffer, type = 22): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 1]), u16(bytes.length), bytes]);

test('a real hello is read, its name as it was sent', async () => {
  assert.deepEqual(readFirstBytes(hello), { kind: 'hello', serverName: 'Name.Example', encrypted: false });
  assert.deepEqual(readFirstBytes(await captureHello()), { kind: 'hello', serverName: null, encrypted: false });
});

test('every beginning of a hello asks for more', () => {
  for (let length = 0; length < hello.length; length += 1) {
    assert.deepEqual(readFirstBytes(hello.subarray(0, length)), { kind: 'more' }, String(length));
  }
});

test('a hello cut into records of any size reads the same', () => {
  const message = hello.subarray(5);
  for (const size of [1, 3, 4, 50, 200]) {
    const records: Buffer[] = [];
    for (let at = 0; at < message.length; at += size) records.push(record(message.subarray(at, at + size)));
    const verdict = readFirstBytes(Buffer.concat(records));
    assert.deepEqual(verdict, { kind: 'hello', serverName: 'Name.Example', encrypted: false }, String(size));
  }
});

test('bytes that do not begin a handshake record are plain', () => {
  for (const text of ['GET / HTTP/1.1\r\n', 'SSH-2.0-x', '\x80\x2e\x01', '\x17\x03\x03', '\n']) {
    assert.deepEqual(readFirstBytes(Buffer.from(text, 'latin1')), { kind: 'plain' }, text);
  }
});

test('H13 hidden and doubled names are seen as what they are', () => {
  const name = serverName('a.example');
  const verdict = (parts: HelloParts) => readFirstBytes(record(handshake(parts)));
  assert.deepEqual(verdict({ extensions: [name] }), { kind: 'hello', serverName: 'a.example', encrypted: false });
  for (const type of [0xfe0d, 0xffce]) {
    const encrypted = verdict({ extensions: [name, extension(type, Buffer.alloc(8))] });
    assert.deepEqual(encrypted, { kind: 'hello', serverName: 'a.example', encrypted: true });
  }
  assert.deepEqual(verdict({}), { kind: 'hello', serverName: null, encrypted: false });
  const two = Buffer.concat([Buffer.from([0]), u16(1), Buffer.from('a'), Buffer.from([0]), u16(1), Buffer.from('b')]);
  const malformed: HelloParts[] = [
    { extensions: [name, name] },
    { extensions: [name, serverName('b.example')] },
    { extensions: [extension(0, Buffer.concat([u16(two.length), two]))] },
    { extensions: [serverName('')] },
    { extensions: [serverName('a'.repeat(256))] },
    { extensions: [serverName('a.example', 1)] },
    { extensions: [serverName('a\0.example')] },
    { extensions: [serverName('a b')] },
    { extensions: [serverName('b\xfccher')] },
    { extensions: [extension(0, Buffer.alloc(0))] },
    { extensions: [name], sessionId: 33 },
    { extensions: [name], suites: Buffer.alloc(0) },
    { extensions: [name], suites: Buffer.alloc(3) },
    { extensions: [name], trailing: Buffer.from([0]) },
  ];
  for (const parts of malformed) assert.deepEqual(verdict(parts), { kind: 'malformed' }, JSON.stringify(parts));
});

test('records that break the grammar are malformed', () => {
  const good = handshake({ extensions: [serverName('a.example')] });
  const broken = [
    Buffer.from([22, 2, 0, 0, 5, 1, 0, 0, 1, 0]),
    Buffer.from([22, 3, 1, 0, 0]),
    Buffer.concat([Buffer.from([22, 3, 1]), u16(maximumHelloBytes + 1), Buffer.alloc(10)]),
    record(Buffer.concat([Buffer.from([2]), good.subarray(1)])),
    record(Buffer.concat([good, Buffer.from([1])])),
    Buffer.concat([record(good.subarray(0, 20)), record(good.subarray(20), 23)]),
    record(Buffer.from([1, 1, 0, 0, 0])),
  ];
  for (const bytes of broken) assert.deepEqual(readFirstBytes(bytes), { kind: 'malformed' }, bytes.toString('hex'));
});

test('any bytes get a verdict, and a changed hello never another name than it carries', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      readFirstBytes(bytes);
      readFirstBytes(Buffer.concat([Buffer.from([22, 3, 1, 0, bytes.length & 255]), bytes]));
    }),
  );
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(hello);
      changed[at] = (changed[at] ?? 0) ^ change;
      const verdict = readFirstBytes(changed);
      if (verdict.kind === 'hello' && verdict.serverName !== null) {
        assert.ok(changed.includes(Buffer.from(verdict.serverName, 'latin1')));
      }
    }),
    { numRuns: 2000 },
  );
});
