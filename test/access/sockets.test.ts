import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { mintActor, type OperatorActor } from '#access/actor.ts';
import { createAccess } from '#access/authorise.ts';
import type { Idempotency } from '#access/idempotency.ts';
import { systemClock } from '#base/clock.ts';
import type { TeamId, UserId } from '#base/ids.ts';
import { CasemateError } from '#contract/errors.ts';
import { addMembership, createTeam } from '#database/identity/team-store.ts';
import { createUser } from '#database/identity/user-store.ts';
import { createApp, type App } from '#http/app.ts';
import { defineRoute } from '#http/define-route.ts';
import { defineSocket } from '#http/define-socket.ts';
import { events } from '#http/replies.ts';
import { requires, signedIn } from '#http/route-access.ts';
import type { Services } from '#http/services.ts';
import { createKeys, type Keys } from '#identity/keys.ts';
import { randomId } from '#identity/random-id.ts';
import { createRoles } from '#identity/roles.ts';
import { createSessions, type Sessions } from '#identity/sessions.ts';
import { startDatabase, type TestDatabase, withClient } from '../support/start-database.ts';

const origin = { address: '127.0.0.1', agent: null, requestId: 'test' };
const audit = { record: async () => undefined };
const userId = randomId<UserId>();
const teamId = randomId<TeamId>();

const echo = defineSocket({
  path: '/echo',
  summary: 'Sends back what comes',
  access: requires('terminal:watch'),
  subprotocol: 'test.v1',
  maximumMessageBytes: 1024,
  handler: async ({ socket, signal, touch }) => {
    socket.on('message', (data: Buffer, isBinary) => {
      touch();
      if (data.toString('utf8') === 'fail') socket.emit('fail');
      else socket.send(data, { binary: isBinary });
    });
    const failed = new Promise<never>((_, reject) => {
      socket.once('fail', () => reject(new CasemateError('gone')));
    });
    await Promise.race([once(socket, 'close', { signal }), failed]);
  },
});
const ticks = defineRoute({
  method: 'GET',
  path: '/ticks',
  summary: 'Counts',
  access: signedIn,
  reply: events(z.strictObject({ count: z.number() })),
  handler: async function* ({ signal }) {
    for (let count = 0; !signal.aborted; count++) {
      yield { count };
      await wait(20);
    }
  },
});

let database: TestDatabase;
let app: App;
let host: string;
let sessions: Sessions;
let keys: Keys;
let directory: string;

before(async () => {
  database = await startDatabase();
  directory = await mkdtemp('/tmp/casemate-access-sockets-');
  await database.database.withAuth(async (tx) => {
    await createUser(tx, { id: userId, email: 'a@example.org', name: 'A', passwordHash: null });
    await createTeam(tx, { id: teamId, name: 'A', personal: true });
    await addMembership(tx, { teamId, userId, role: 'owner' });
  });
  const clock = systemClock;
  sessions = createSessions({
    database: database.database,
    audit,
    clock,
    limits: { idleMinutes: 60, absoluteHours: 1, maximumConcurrent: 10 },
  });
  keys = createKeys({ database: database.database, audit, clock });
  const { roleOf } = createRoles({ database: database.database });
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  host = `127.0.0.1:${port}`;
  app = await createApp({
    config: {
      appHosts: [host],
      allowedOrigins: [],
      maintenance: false,
      production: false,
      rateLimit: { windowMs: 60_000, maximum: 10_000 },
      secureCookies: true,
      tls: false,
      trustProxy: [],
      webDirectory: directory,
    },
    log: pino({ level: 'silent' }),
    access: createAccess({ roleOf, audit, clock }),
    // No route of this table creates anything, and these handlers ask for no service.
    idempotency: { once: () => Promise.reject(new Error('not asked for')) } satisfies Idempotency,
    services: {} as Services,
    sessions,
    keys,
    csrfKey: new Uint8Array(32),
    table: [echo, ticks],
  });
  await app.listen({ host: '127.0.0.1', port });
  assert.equal((app.server.address() as AddressInfo).port, port);
});
after(async () => {
  await app.close();
  await database[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const start = () => sessions.start({ userId, teamId, method: 'test' }, origin);
async function open(headers: Record<string, string>): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${host}/echo`, ['test.v1'], { headers });
  await once(socket, 'open');
  return socket;
}
const byCookie = (token: string) => open({ cookie: `__Host-casemate=${token}`, origin: `http://${host}` });
const closed = async (socket: WebSocket): Promise<number> => ((await once(socket, 'close')) as [number])[0];

test('a socket of a session carries frames and speaks the subprotocol', async () => {
  const { token } = await start();
  const socket = await byCookie(token);
  assert.equal(socket.protocol, 'test.v1');
  socket.send(Buffer.from([1, 2, 3]));
  const [data] = (await once(socket, 'message')) as [Buffer];
  assert.deepEqual([...data], [1, 2, 3]);
  socket.close();
  await closed(socket);
});

test('signing out closes every socket of the session at once, and no other', async () => {
  const one = await start();
  const other = await start();
  const mine = [await byCookie(one.token), await byCookie(one.token)];
  const theirs = await byCookie(other.token);
  const ended = Promise.all(mine.map(closed));
  const before = performance.now();
  await sessions.end(one.actor, 'signed out', origin);
  assert.deepEqual(await ended, [4401, 4401]);
  assert.ok(performance.now() - before < 1_000);
  assert.equal(theirs.readyState, WebSocket.OPEN);
  theirs.terminate();
});

test('signing out cuts a stream of events off', async () => {
  const { token, actor } = await start();
  const response = await fetch(`http://${host}/ticks`, { headers: { cookie: `__Host-casemate=${token}` } });
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const reader = response.body?.getReader();
  let text = '';
  while (!text.includes('"count":3')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  assert.match(text, /^: open\n\ndata: \{"count":0\}\n\n/);
  await sessions.end(actor, 'signed out', origin);
  await assert.rejects(async () => {
    while (!(await reader?.read())?.done);
  });
});

test('revoking a key closes its sockets', async () => {
  const { roleOf } = createRoles({ database: database.database });
  const access = createAccess({ roleOf, audit, clock: systemClock });
  const operator = mintActor<OperatorActor>({ kind: 'operator' });
  const grant = await access.authorise(operator, 'key:write', {
    teamId,
    route: 'test',
    requestId: null,
    address: null,
  });
  const { key, secret } = await keys.create(grant, userId, { name: 'k', scopes: ['terminal:watch'] });
  const socket = await open({ 'x-api-key': secret });
  const ended = closed(socket);
  await keys.revoke(grant, key.id);
  assert.equal(await ended, 4401);
});

test('a message beyond the limit closes the socket with 1009', async () => {
  const { token } = await start();
  const socket = await byCookie(token);
  socket.send(Buffer.alloc(1025));
  assert.equal(await closed(socket), 1009);
});

test('a failure closes the socket with its status', async () => {
  const { token } = await start();
  const socket = await byCookie(token);
  const ended = closed(socket);
  socket.send('fail');
  assert.equal(await ended, 4410);
});

test('what a person does at a socket keeps the session from running idle', async () => {
  const { token, actor } = await start();
  const at = async () => {
    const { rows } = await withClient(database.superuser, (client) =>
      client.query('select idle_expires_at from sessions where id = $1', [actor.sessionId]),
    );
    return (rows[0] as { idle_expires_at: Date }).idle_expires_at.getTime();
  };
  const before = await at();
  await wait(20);
  const socket = await byCookie(token);
  socket.send('x');
  await once(socket, 'message');
  assert.ok((await at()) > before);
  socket.terminate();
});

test('when the server stops, sockets are told so and it does not wait for them', async () => {
  const { token } = await start();
  const socket = await byCookie(token);
  const ended = closed(socket);
  const before = performance.now();
  await app.close();
  assert.equal(await ended, 1012);
  assert.ok(performance.now() - before < 3_000);
});
