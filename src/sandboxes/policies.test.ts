import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Policy, policyPresets } from '#contract/policy.ts';
import { presetOf, withDestination } from '#sandboxes/policies.ts';

test('a policy is called by the preset that it equals, in whatever order', () => {
  assert.equal(presetOf(policyPresets.coding), 'coding');
  assert.equal(presetOf({ ...policyPresets.coding, sets: [...policyPresets.coding.sets].reverse() }), 'coding');
  assert.equal(presetOf({ sets: [], allow: [], deny: [] }), 'closed');
  assert.equal(presetOf({ sets: ['git'], allow: [], deny: [] }), 'custom');
});

test('allowing a destination adds it once and takes away the same denial only', () => {
  const destination = { host: 'a.example', ports: [443] };
  const other = { host: 'b.example', ports: [443] };
  const policy: Policy = { sets: [], allow: [destination], deny: [destination, other] };
  const next = withDestination(policy, destination);
  assert.deepEqual(next, { sets: [], allow: [destination], deny: [other] });
  assert.deepEqual(policy.deny.length, 2);
});

test('a full policy takes no more', () => {
  const allow = Array.from({ length: 200 }, (_, at) => ({ host: `h${at}.example`, ports: [443] }));
  const add = () => withDestination({ sets: [], allow, deny: [] }, { host: 'more.example', ports: [443] });
  assert.throws(add, { code: 'quota_exceeded' });
});
