import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Egress } from '#contract/api.ts';
import { groupEgress } from './egress-groups.ts';

const item = (second: number, host: string, allowed: boolean, credential: string | null = null): Egress => ({
  id: String(second),
  time: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`,
  allowed,
  method: 'CONNECT',
  host,
  port: 443,
  reason: 'rule',
  credential,
});

test('connections are counted by destination and decision, the newest first', () => {
  const groups = groupEgress([
    item(9, 'a.test', true, 'anthropic'),
    item(8, 'b.test', false),
    item(7, 'a.test', true),
    item(6, 'a.test', false),
  ]);
  assert.deepEqual(
    groups.map(({ host, allowed, count, credentials }) => ({ host, allowed, count, credentials })),
    [
      { host: 'a.test', allowed: true, count: 2, credentials: ['anthropic'] },
      { host: 'b.test', allowed: false, count: 1, credentials: [] },
      { host: 'a.test', allowed: false, count: 1, credentials: [] },
    ],
  );
});
