import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { withClient } from '../support/start-database.ts';
import { goodPassword, setUp, tokenOf } from './support/people.ts';
import { send } from './support/request.ts';
import { startServer, type TestServer } from './support/start-server.ts';

const person = { email: 'Owner@Example.org', name: 'Ada', password: goodPassword };
const attempt = (server: TestServer, body: object, headers: Record<string, string> = {}, origin = server.origin) =>
  send(origin, '/api/v1/setup', { method: 'POST', body, headers });

test('H10 the set-up link makes the owner once, and whatever an attacker adds is refused', async () => {
  await using server = await startServer();
  const token = tokenOf(server);
  assert.match(token, /^[A-Za-z0-9_-]{43}$/, '256 bits');
  const fresh = await send(server.origin, '/api/v1/session');
  assert.equal(fresh.json['setupNeeded'], true);

  for (const name of ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP', 'Via']) {
    const answer = await attempt(server, { token, ...person }, { [name]: '127.0.0.1' });
    assert.equal(answer.status, 403, name);
    assert.equal(answer.json.code, 'setup_refused', name);
  }
  for (const [what, wrong] of Object.entries({
    other: 'A'.repeat(43),
    short: 'A'.repeat(20),
    padded: `${token} `,
    'not ours': `${token}A`,
  })) {
    assert.equal((await attempt(server, { token: wrong, ...person })).status, 403, what);
  }
  assert.equal((await attempt(server, { token, ...person }, { origin: 'https://evil.example' })).status, 403);
  assert.equal((await attempt(server, { token, ...person, role: 'owner' })).status, 400);
  for (const weak of [
    'passwordpassword',
    'aaaaaaaaaaaaaaaaaaaa',
    'owner@example.org',
    'casematecasemate',
    'short-odd-7!',
  ]) {
    const answer = await attempt(server, { token, ...person, password: weak });
    assert.equal(answer.json.code, 'weak_password', weak);
    assert.ok(!answer.text.includes(weak));
  }

  const together = await Promise.all([0, 1, 2].map(() => attempt(server, { token, ...person })));
  assert.deepEqual(together.map((answer) => answer.status).toSorted(), [201, 403, 403], 'one of those that race wins');
  assert.equal((await attempt(server, { token, ...person })).status, 403, 'used up');
  const admin = await send('http://localhost', '/admin/setup-link', { socketPath: server.adminSocket });
  assert.equal(admin.status, 410, 'there is no link once there is an owner');
  const after = await send(server.origin, '/api/v1/session');
  assert.equal(after.json['setupNeeded'], false);

  const stored = await withClient(server.database.superuser, async (client) => ({
    tokens: (await client.query('select hash from setup_tokens')).rows as { hash: Buffer }[],
    users: (await client.query('select email, password_hash from users')).rows as Record<string, string>[],
    events: (await client.query(`select fields from audit_events where event = 'setup.completed'`)).rows,
  }));
  assert.ok(stored.tokens.every((row) => row.hash.length === 32 && !row.hash.toString('latin1').includes(token)));
  assert.equal(stored.users.length, 1);
  assert.equal(stored.users[0]?.['email'], 'owner@example.org');
  assert.match(stored.users[0]?.['password_hash'] ?? '', /^\$argon2id\$v=19\$m=65536,t=3,p=1\$/);
  assert.deepEqual(stored.events, [{ fields: { email: 'owner@example.org' } }]);
  assert.ok(!server.log().includes(token), 'the token is not in the log');
});

test('an expired set-up link is refused', async () => {
  await using server = await startServer();
  await withClient(server.database.superuser, (client) =>
    client.query(`update setup_tokens set expires_at = now() - interval '1 second'`),
  );
  const answer = await attempt(server, { token: tokenOf(server), ...person });
  assert.equal(answer.json.code, 'setup_refused');
});

test('the server listens on loopback only until there is an owner, then where it was told', async (t) => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address && !address.internal && address.family === 'IPv4')?.address;
  if (outside === undefined) return t.skip('this machine has no address but loopback');
  await using server = await startServer({ host: '0.0.0.0' });
  const elsewhere = `http://${outside}:${server.port}`;
  const host = { host: server.host };
  await assert.rejects(send(elsewhere, '/healthz', { headers: host }), /ECONNREFUSED/);
  await setUp(server);
  for (let waited = 0; ; waited += 50) {
    const answer = await send(elsewhere, '/healthz', { headers: host }).catch(() => null);
    if (answer?.status === 200) break;
    assert.ok(waited < 5_000, 'it listens on the configured address in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal((await send(server.origin, '/healthz')).status, 200, 'and on loopback still');
  const late = await attempt(server, { token: tokenOf(server), ...person }, host, elsewhere);
  assert.equal(late.json.code, 'setup_refused');
  assert.match(String(late.json['detail']), /machine itself/);
});

test('an owner from the configuration needs no link', async () => {
  const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
  const directory = await mkdtemp('/tmp/casemate-access-owner-');
  await writeFile(`${directory}/password`, `${goodPassword}\n`);
  await using server = await startServer({
    owner: { email: 'Boss@example.org', passwordFile: `${directory}/password` },
  });
  await rm(directory, { recursive: true });
  assert.equal(server.setupPath, null);
  const answer = await send(server.origin, '/api/v1/session', {
    method: 'POST',
    body: { email: 'boss@EXAMPLE.org', password: goodPassword },
  });
  assert.equal(answer.status, 201);
});
