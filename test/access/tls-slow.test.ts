import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { createTlsContexts } from '#http/tls/contexts.ts';
import { tlsServerFactory } from '#http/tls/tls-server.ts';
import { issueServer } from '#main/certificates/issue.ts';

test('H16 who is slow with a handshake, with headers or with a body over HTTP/1.1 is cut off', async () => {
  const times = { headersMs: 150, requestMs: 300, connectionMs: 5_000, keepAliveMs: 200, checkingMs: 50 };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    request.on('error', () => undefined);
    request.on('end', () => response.end('done'));
  };
  const pair = await issueServer({ names: ['localhost'], days: 1, authority: null });
  const server = tlsServerFactory(createTlsContexts([pair]), times)(answer as never, {});
  const errors: (string | undefined)[] = [];
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    errors.push(error.code);
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const closed = (socket: Socket): Promise<unknown> => {
    socket.on('error', () => undefined);
    socket.resume();
    return new Promise((resolve) => void socket.once('close', resolve));
  };
  const secure = async (): Promise<Socket> => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    await once(socket, 'secureConnect');
    return socket;
  };
  const drip = (socket: Socket, text: string): NodeJS.Timeout => {
    socket.write(text);
    return setInterval(() => void (socket.writable && socket.write('x')), 20);
  };

  const silent = closed(createConnection(port, '127.0.0.1'));
  const headers = await secure();
  const body = await secure();
  const timers = [
    drip(headers, 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: '),
    drip(body, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n'),
  ];
  const began = Date.now();
  await Promise.all([silent, closed(headers), closed(body)]);
  for (const timer of timers) clearInterval(timer);
  assert.ok(Date.now() - began < 3_000);
  assert.deepEqual(errors.toSorted(), [
    'ERR_HTTP_REQUEST_TIMEOUT',
    'ERR_HTTP_REQUEST_TIMEOUT',
    'ERR_TLS_HANDSHAKE_TIMEOUT',
  ]);
  server.close();
});
