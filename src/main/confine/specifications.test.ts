import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databasePlace } from '#main/confine/specifications.ts';

test('H12 a database behind a Unix socket leaves the server without a network, one over TCP gives it one port', () => {
  assert.deepEqual(databasePlace('postgresql://app:x@%2Fdata%2Frun%2Fpg/casemate'), { directory: '/data/run/pg' });
  assert.deepEqual(databasePlace('postgresql://app:x@localhost/c?host=/run/postgresql'), {
    directory: '/run/postgresql',
  });
  assert.deepEqual(databasePlace('postgresql://app:x@db.example.org/casemate'), { port: 5432 });
  assert.deepEqual(databasePlace('postgresql://app:x@[::1]:6432/casemate'), { port: 6432 });
});
