import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { Policy } from '#contract/policy.ts';
import { rawRequest } from '../support/raw-request.ts';
import { startBroker } from '../support/start-broker.ts';

const durationMs = 4000;
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(Math.random() * choices.length)] as T;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** An upstream that answers, dawdles, breaks off and lies, at random. */
function unreliable(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.on('data', () => {
    const act = pick<() => void>([
      () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
      () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
      () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
      () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'),
      () => socket.end('HTTP/1.1 099 \x01\r\n\r\n'),
      () => socket.end(),
      () => socket.destroy(),
      () => socket.resetAndDestroy(),
      () => undefined,
    ]);
    if (Math.random() < 0.5) setTimeout(act, Math.random() * 30);
    else act();
  });
}

test('guests and upstreams that break off at any moment, under changing policies, leave the broker whole', async (t) => {
  const server = createServer({ allowHalfOpen: true }, unreliable);
  t.after(() => server.close());
  server.listen(0, '127.0.0.7');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const { port } = address;
  await using broker = await startBroker({ privateDestinations: [{ host: '127.0.0.7', port }] });
  const open: Policy = { sets: ['models'], allow: [{ host: '127.0.0.7', ports: [port] }], deny: [] };
  const closed: Policy = { sets: [], allow: [], deny: [] };
  broker.child.once('exit', (status, signal) =>
    t.diagnostic(`the broker ended: ${status} ${signal}\n${broker.output()}`),
  );
  let door = await broker.openDoor(open);
  const baseUrl = `http://127.0.0.7:${port}`;
  await broker.setSecret({ teamId: door.teamId, name: 'a', kind: 'anthropic', baseUrl, userName: 'x' }, 'sk-ant-x');
  const { pid } = broker.child;

  const requests = [
    `GET ${baseUrl}/ HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET ${baseUrl}/ HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(5),
    `POST ${baseUrl}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf`,
    `POST ${baseUrl}/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`,
    `POST /anthropic/v1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n${'x'.repeat(3000)}`,
    `CONNECT 127.0.0.7:${port} HTTP/1.1\r\n\r\n`,
    `CONNECT 127.0.0.7:${port} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
    `CONNECT 127.0.0.7:${port} HTTP/1.1\r\n\r\n\x16\x03\x01\x00\x10`,
    'CONNECT 127.0.0.7:1 HTTP/1.1\r\n\r\n',
    'GET',
    '\0\0\0',
  ];
  const ends = Date.now() + durationMs;
  const guest = async (): Promise<void> => {
    while (Date.now() < ends) {
      const socket = connect({ port: door.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      if (Math.random() < 0.7) socket.resume();
      socket.write(Buffer.from(pick(requests), 'latin1'));
      await pause(Math.random() * 40);
      pick([() => socket.end(), () => socket.destroy(), () => socket.resetAndDestroy()])();
      await pause(5);
      socket.destroy();
    }
  };
  const operator = async (): Promise<void> => {
    while (Date.now() < ends) {
      await pause(60);
      await broker.setPolicy(door, pick([open, open, closed]));
      if (Math.random() < 0.2) door = await broker.openDoor(open, door);
    }
  };
  await Promise.all([...Array.from({ length: 16 }, guest), operator()]);

  assert.equal(broker.child.pid, pid);
  assert.equal(broker.child.exitCode, null, broker.output());
  assert.doesNotMatch(broker.output(), /"level":50/);
  broker.closeDoor(door.sandboxId);
  await pause(200);
  const records = await broker.journal();
  const count = (kind: string): number => records.filter((record) => record.kind === kind).length;
  assert.ok(count('egress.allowed') > 100);
  assert.equal(count('egress.closed'), count('egress.allowed'), 'every way out that was opened is told to have ended');
  const fresh = await broker.openDoor(closed);
  assert.match(await rawRequest(fresh.port, 'CONNECT a.example:443 HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 403 /);
});
