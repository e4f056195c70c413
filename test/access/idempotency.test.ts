import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { withClient } from '../support/start-database.ts';
import { addPerson, setUp, signIn, type Visitor } from './support/people.ts';
import { startServer, type TestServer } from './support/start-server.ts';

let server: TestServer;
let owner: Visitor;
before(async () => {
  server = await startServer();
  owner = await setUp(server);
});
after(() => server[Symbol.asyncDispose]());

const create = (visitor: Visitor, key: string, name: string) =>
  visitor.send('POST', '/api/v1/workspaces', { name }, { 'idempotency-key': key });
const count = async (visitor: Visitor) =>
  ((await visitor.send('GET', '/api/v1/workspaces')).json['items'] as unknown[]).length;

test('a repeated creation answers as the first one and creates nothing', async () => {
  const first = await create(owner, 'one', 'first');
  assert.equal(first.status, 201, first.text);
  const again = await create(owner, 'one', 'first');
  assert.equal(again.status, 201);
  assert.equal(again.text, first.text);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(await count(owner), 1);
});

test('the key of one request is refused for another', async () => {
  const answer = await create(owner, 'one', 'second');
  assert.equal(answer.status, 409);
  assert.equal(answer.json.code, 'idempotency_mismatch');
});

test('of many at once with one key, one creates', async () => {
  const answers = await Promise.all(Array.from({ length: 6 }, () => create(owner, 'race', 'raced')));
  assert.ok(answers.every((answer) => [201, 409].includes(answer.status)));
  assert.equal(new Set(answers.filter((answer) => answer.status === 201).map((answer) => answer.json['id'])).size, 1);
  assert.equal(await count(owner), 2);
});

test('a key of somebody else is not in the way', async () => {
  await addPerson(server, 'other@example.org');
  const other = await signIn(server, 'other@example.org');
  const answer = await create(other, 'one', 'mine');
  assert.equal(answer.status, 201);
  assert.equal(answer.headers['idempotency-replayed'], undefined);
});

test('after a refusal the key is free again', async () => {
  assert.equal((await create(owner, 'retry', '')).status, 400);
  assert.equal((await create(owner, 'retry', 'now right')).status, 201);
});

test('a request that the server died under can be tried again', async () => {
  assert.equal((await create(owner, 'dead', 'dead')).status, 201);
  await withClient(server.database.superuser, (client) =>
    client.query(`update idempotency_keys set status = null, body = null where key like '%:dead'`),
  );
  assert.equal((await create(owner, 'dead', 'dead')).json.code, 'conflict', 'it may still run');
  await withClient(server.database.superuser, (client) =>
    client.query(`update idempotency_keys set created_at = now() - interval '1 hour' where key like '%:dead'`),
  );
  assert.equal((await create(owner, 'dead', 'dead')).status, 201);
});
