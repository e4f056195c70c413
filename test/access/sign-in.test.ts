import assert from 'node:assert/strict';
import { test } from 'node:test';
import { send } from './support/request.ts';
import { startServer } from './support/start-server.ts';

const password = 'umbrella-tadpole-seventeen-copper';

test('set-up link → owner → cookie → session', async () => {
  await using server = await startServer();
  const token = server.setupPath?.split('#')[1];
  assert.ok(token, 'the supervisor is told the link');
  const before = await send(server.origin, '/api/v1/session');
  assert.deepEqual(before.json, { setupNeeded: true, user: null, team: null, permissions: [], csrfToken: null });
  const made = await send(server.origin, '/api/v1/setup', {
    method: 'POST',
    body: { token, email: 'Owner@Example.org', name: 'Ada', password },
  });
  console.log(made, server.log());
  assert.equal(made.status, 201);
});
