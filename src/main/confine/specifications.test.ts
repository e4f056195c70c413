import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokerConfinement, databasePlace } from '#main/confine/specifications.ts';
import { runningRelease } from '#main/running-code.ts';
import { dataPaths } from '#main/up/paths.ts';

test('H12 a database behind a Unix socket leaves the server without a network, one over TCP gives it one port', () => {
  assert.deepEqual(databasePlace('postgresql://app:x@%2Fdata%2Frun%2Fpg/casemate'), { directory: '/data/run/pg' });
  assert.deepEqual(databasePlace('postgresql://app:x@localhost/c?host=/run/postgresql'), {
    directory: '/run/postgresql',
  });
  assert.deepEqual(databasePlace('postgresql://app:x@db.example.org/casemate'), { port: 5432 });
  assert.deepEqual(databasePlace('postgresql://app:x@[::1]:6432/casemate'), { port: 6432 });
});

test('H12 the broker may make its doors for processes where they are configured, and nothing beside them', () => {
  const paths = dataPaths('/data');
  const inputs = { paths, identity: { uid: 7, gid: 7 }, release: runningRelease, environment: {} };
  const doors = [{ process: 'certificates', uid: 8, socket: `${paths.run.certificates}/door.sock`, destinations: [] }];
  assert.deepEqual(brokerConfinement(inputs, null, { processDoors: doors }).writable, [
    paths.run.broker,
    paths.broker,
    paths.run.certificates,
  ]);
  assert.deepEqual(brokerConfinement(inputs, null, { processDoors: [] }).writable, [paths.run.broker, paths.broker]);
});
