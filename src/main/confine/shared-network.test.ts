import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedNetwork } from '#main/confine/shared-network.ts';

test('H12 a server that shares the network is said to, with what bounds it', () => {
  assert.match(sharedNetwork([5432], 7), /shares the host's network; Landlock lets it connect to port 5432 only/);
  assert.match(sharedNetwork([5432], null), /its unit does not bound/);
  assert.match(sharedNetwork([5432], 3), /cannot bound where it connects/);
});
