import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { boundSession } from '#http/tls/bound-session.ts';

const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000000040000000000', 'hex'),
]);
const ping = Buffer.from('0000080600000000000102030405060708', 'hex');

async function listen() {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('done'));
    request.on('error', () => undefined);
  });
  server.on('session', (session) => boundSession(session, { headersMs: 100, requestMs: 150, keepAliveMs: 200 }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { port, [Symbol.dispose]: () => void server.close() };
}

test('a session that only keeps itself busy is ended', async () => {
  using server = await listen();
  const socket = connectSocket(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(preface);
  const pump = setInterval(() => void (socket.writable && socket.write(ping)), 10);
  const began = Date.now();
  await new Promise((resolve) => void socket.once('close', resolve));
  clearInterval(pump);
  assert.ok(Date.now() - began < 2000);
});

test('a request whose body never ends is cancelled, and one that ends is answered', async () => {
  using server = await listen();
  const client = connect(`http://127.0.0.1:${server.port}`);
  client.on('error', () => undefined);
  const slow = client.request({ ':path': '/', ':method': 'POST' });
  slow.on('error', () => undefined);
  const drip = setInterval(() => void (slow.writable && slow.write('x')), 20);
  const quick = client.request({ ':path': '/' });
  const [head] = (await once(quick, 'response')) as [Record<string, unknown>];
  assert.equal(head[':status'], 200);
  quick.resume();
  const began = Date.now();
  await new Promise((resolve) => void slow.once('close', resolve));
  clearInterval(drip);
  assert.ok(Date.now() - began < 2000);
  assert.equal(slow.rstCode, 8);
  client.destroy();
});

test('a session without streams ends after a while, and not before its last stream', async () => {
  using server = await listen();
  const client = connect(`http://127.0.0.1:${server.port}`);
  const stream = client.request({ ':path': '/' });
  stream.resume();
  await once(stream, 'close');
  await wait(50);
  assert.ok(!client.closed, 'it may be used again for a while');
  await once(client, 'close');
});
