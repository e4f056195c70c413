import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { withClient } from '../support/start-database.ts';
import { addPerson, goodPassword, setUp, signIn, trySignIn, type Visitor } from './support/people.ts';
import { send } from './support/request.ts';
import { startServer, type TestServer } from './support/start-server.ts';

let server: TestServer;
let owner: Visitor;

before(async () => {
  server = await startServer();
  owner = await setUp(server);
});
after(() => server[Symbol.asyncDispose]());

const forgetLimits = () => withClient(server.database.superuser, (client) => client.query('delete from login_limits'));
const whoAmI = async (visitor: Visitor) => (await visitor.send('GET', '/api/v1/session')).json['user'];

test('the cookie is opaque, out of reach of scripts, and only its digest is stored', async () => {
  const answer = await trySignIn(server, 'owner@example.org', goodPassword);
  const [header = ''] = answer.headers['set-cookie'] as string[];
  assert.match(header, /^__Host-casemate=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  const token = header.slice('__Host-casemate='.length, 'x'.repeat(16 + 43).length);
  const rows = await withClient(server.database.superuser, (client) => client.query('select * from sessions'));
  assert.ok(!JSON.stringify(rows.rows).includes(token));
  assert.ok(!server.log().includes(token));
});

test('a wrong password and an unknown account get the same answer in the same time', async () => {
  const time = async (email: string) => {
    await forgetLimits();
    const start = performance.now();
    const answer = await trySignIn(server, email, 'wrong-horse-battery-staple');
    const { requestId: _, ...body } = answer.json;
    return { ms: performance.now() - start, status: answer.status, body };
  };
  const rounds = 7;
  const known = [];
  const unknown = [];
  for (let round = 0; round < rounds; round++) {
    known.push(await time('owner@example.org'));
    unknown.push(await time('nobody@example.org'));
  }
  assert.deepEqual(known[0]?.body, unknown[0]?.body);
  assert.ok([...known, ...unknown].every(({ status }) => status === 401));
  const median = (of: { ms: number }[]) => of.map(({ ms }) => ms).toSorted((a, b) => a - b)[rounds >> 1] ?? 0;
  const [a, b] = [median(known), median(unknown)];
  assert.ok(Math.min(a, b) > 50, `both pay for the hash: ${a} and ${b} ms`);
  assert.ok(Math.abs(a - b) < Math.max(a, b) * 0.35, `${a} and ${b} ms are alike`);
  await forgetLimits();
});

test('sign-out revokes at once and is on record', async () => {
  const visitor = await signIn(server, 'owner@example.org');
  assert.ok(await whoAmI(visitor));
  const out = await visitor.send('DELETE', '/api/v1/session');
  assert.equal(out.status, 204);
  assert.match(
    String((out.headers['set-cookie'] as string[])[0]),
    /^__Host-casemate=; .*(?:Max-Age=0|Expires=Thu, 01 Jan 1970)/,
  );
  assert.equal(await whoAmI(visitor), null);
  assert.equal((await visitor.send('GET', '/api/v1/system')).status, 401);
  owner = await signIn(server, 'owner@example.org');
  const trail = await owner.send('GET', '/api/v1/audit?event=session.ended');
  assert.ok(
    (trail.json['items'] as { fields: { reason: string } }[]).some((item) => item.fields.reason === 'signed out'),
  );
});

test('beyond three sessions the oldest ends', async () => {
  await addPerson(server, 'many@example.org');
  const visitors: Visitor[] = [];
  for (let count = 0; count < 4; count++) visitors.push(await signIn(server, 'many@example.org'));
  const [first, ...others] = visitors;
  assert.ok(first);
  assert.equal(await whoAmI(first), null);
  for (const visitor of others) assert.ok(await whoAmI(visitor));
});

test('a session ends at its absolute expiry however busy it is', async () => {
  await addPerson(server, 'busy@example.org');
  const visitor = await signIn(server, 'busy@example.org');
  await withClient(server.database.superuser, (client) =>
    client.query(`update sessions set absolute_expires_at = now() where user_id = $1`, [visitor.userId]),
  );
  assert.equal(await whoAmI(visitor), null);
});

test('an account that is disabled may do nothing, with a session that it has', async () => {
  const { userId } = await addPerson(server, 'gone@example.org');
  const visitor = await signIn(server, 'gone@example.org');
  await withClient(server.database.superuser, (client) =>
    client.query('update users set disabled_at = now() where id = $1', [userId]),
  );
  assert.equal((await visitor.send('GET', '/api/v1/system')).status, 403);
  assert.equal((await trySignIn(server, 'gone@example.org', goodPassword)).status, 401);
  await forgetLimits();
});

test('many wrong passwords make the account wait, at once and over a restart of the limits', async () => {
  await forgetLimits();
  await addPerson(server, 'target@example.org');
  const burst = await Promise.all(
    Array.from({ length: 20 }, () => trySignIn(server, 'target@example.org', 'wrong-horse-battery-staple')),
  );
  const tried = burst.filter((answer) => answer.status === 401).length;
  assert.ok(tried <= 5, `${tried} of 20 at once were tried`);
  const refused = burst.find((answer) => answer.status === 429);
  assert.ok(refused);
  assert.match(String(refused.headers['retry-after']), /^\d+$/);
  assert.equal(refused.json['retryAfterSeconds'], Number(refused.headers['retry-after']));
  const right = await trySignIn(server, 'target@example.org', goodPassword);
  assert.equal(right.status, 429, 'the right password waits as well: guesses are not confirmed');
  const other = await trySignIn(server, 'owner@example.org', goodPassword);
  assert.equal(other.status, 201, 'other accounts do not wait');
  const rows = await withClient(server.database.superuser, (client) =>
    client.query('select kind, key from login_limits'),
  );
  assert.ok(
    rows.rows.every((row: { key: Buffer }) => row.key.length === 32),
    'neither addresses nor e-mails are stored',
  );
  await forgetLimits();
  assert.equal((await trySignIn(server, 'target@example.org', goodPassword)).status, 201);
});

test('many accounts from one address make the address wait', async () => {
  await forgetLimits();
  await withClient(server.database.superuser, (client) => client.query(`update login_limits set count = 0`));
  let waited = 0;
  for (let count = 0; count < 34; count++) {
    const answer = await trySignIn(server, `user${count}@example.org`, 'x');
    if (answer.status === 429) waited += 1;
  }
  assert.ok(waited > 0, 'the address had to wait');
  await forgetLimits();
});

test('refused sign-ins are on record without the address that was tried', async () => {
  const rows = await withClient(server.database.superuser, (client) =>
    client.query(`select fields, chain from audit_events where event = 'session.refused'`),
  );
  assert.ok(rows.rows.length > 0);
  assert.ok(!JSON.stringify(rows.rows).includes('@example.org'));
});

test('limits fail closed: without a database nobody signs in', async () => {
  await using lonely = await startServer();
  await setUp(lonely);
  await withClient(lonely.database.superuser, async (client) => {
    await client.query('alter table login_limits rename to gone');
    const answer = await trySignIn(lonely, 'owner@example.org', goodPassword);
    assert.ok(answer.status >= 500, `${answer.status}`);
    assert.equal(answer.headers['set-cookie'], undefined);
    await client.query('alter table gone rename to login_limits');
  });
});

test('a key is recognised in either header, and not once it is revoked', async () => {
  owner = await signIn(server, 'owner@example.org');
  const made = await owner.send('POST', '/api/v1/keys', { name: 'ci', scopes: ['system:read'] });
  assert.equal(made.status, 201);
  const { secret, id } = made.json as unknown as { secret: string; id: string };
  assert.match(secret, /^e2b_[0-9a-f]{40}$/);
  for (const headers of [{ 'x-api-key': secret }, { authorization: `Bearer ${secret}` }] as Record<string, string>[]) {
    assert.equal((await send(server.origin, '/api/v1/system', { headers })).status, 200);
  }
  assert.equal((await send(server.origin, '/api/v1/audit', { headers: { 'x-api-key': secret } })).status, 403);
  const both = { 'x-api-key': secret, cookie: owner.cookie };
  assert.equal(
    (await send(server.origin, '/api/v1/audit', { headers: both })).status,
    403,
    'a key does not borrow the cookie',
  );
  const listed = await owner.send('GET', '/api/v1/keys');
  assert.ok(!listed.text.includes(secret));
  assert.ok(
    (listed.json['items'] as { id: string; lastUsedAt: string | null }[]).find((key) => key.id === id)?.lastUsedAt,
  );
  await owner.send('DELETE', `/api/v1/keys/${id}`);
  assert.equal((await send(server.origin, '/api/v1/system', { headers: { 'x-api-key': secret } })).status, 401);
  assert.ok(!server.log().includes(secret));
});
