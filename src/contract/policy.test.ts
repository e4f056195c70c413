import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Destination,
  decidePolicy,
  matchesDestination,
  type Policy,
  policyPresets,
  policySchema,
} from '#contract/policy.ts';

const sets = {
  git: [{ host: 'github.com', ports: [443] }],
  npm: [{ host: 'packages.example', ports: [443] }],
  pypi: [],
  debian: [],
  models: [{ host: '*.models.example', ports: [443] }],
};
const closed: Policy = { sets: [], allow: [], deny: [] };

const matches: readonly [rule: string, host: string, port: number, expected: boolean][] = [
  ['github.com', 'github.com', 443, true],
  ['github.com', 'github.com', 80, false],
  ['github.com', 'api.github.com', 443, false],
  ['github.com', 'notgithub.com', 443, false],
  ['github.com', 'github.com.evil.example', 443, false],
  ['*.github.com', 'api.github.com', 443, true],
  ['*.github.com', 'a.b.github.com', 443, true],
  ['*.github.com', 'github.com', 443, false],
  ['*.github.com', '.github.com', 443, false],
  ['*.github.com', 'evilgithub.com', 443, false],
  ['*.0.0.1', '127.0.0.1', 443, false],
  ['127.0.0.1', '127.0.0.1', 443, true],
  ['[::1]', '[::1]', 443, true],
];

test('a destination covers its own name, a wildcard what is below it, and neither another port', () => {
  for (const [host, asked, port, expected] of matches) {
    assert.equal(matchesDestination({ host, ports: [443] }, asked, port), expected, `${host} ${asked}:${port}`);
  }
});

test('nothing is allowed that is not named', () => {
  assert.deepEqual(decidePolicy(closed, sets, 'github.com', 443), {
    allowed: false,
    rule: 'none',
    reason: 'not in the policy',
  });
  assert.deepEqual(policyPresets.closed, closed);
});

test('deny stands above allow, and allow above sets', () => {
  const github: Destination = { host: 'github.com', ports: [443] };
  const coding: Policy = { sets: ['git', 'models'], allow: [], deny: [] };
  assert.equal(decidePolicy(coding, sets, 'github.com', 443).rule, 'set');
  assert.equal(decidePolicy({ ...coding, allow: [github] }, sets, 'github.com', 443).rule, 'allow');
  const denied = decidePolicy({ ...coding, allow: [github], deny: [github] }, sets, 'github.com', 443);
  assert.deepEqual(denied, { allowed: false, rule: 'deny', reason: 'denied by github.com' });
  assert.equal(decidePolicy(coding, sets, 'packages.example', 443).allowed, false);
  assert.equal(decidePolicy(coding, sets, 'api.models.example', 443).reason, 'allowed by set models');
});

test('a rule in a spelling that could never match is refused when it is written', () => {
  for (const host of ['GITHUB.com', 'github.com.', '0x7f.1', '*.0.0.1', '[2001:DB8::1]', '[0:0:0:0:0:0:0:1]']) {
    const policy = { ...closed, deny: [{ host, ports: [443] }] };
    assert.equal(policySchema.safeParse(policy).success, false, host);
  }
  assert.equal(policySchema.safeParse({ ...closed, deny: [{ host: '[::1]', ports: [443] }] }).success, true);
  assert.equal(policySchema.safeParse({ ...closed, allow: [{ host: 'a.example', ports: [0] }] }).success, false);
  assert.equal(policySchema.safeParse({ ...closed, allow: [{ host: 'a.example', ports: [] }] }).success, false);
  assert.equal(policySchema.safeParse({ ...closed, other: true }).success, false);
});

const hosts = fc.constantFrom('a.example', 'b.a.example', 'c.b.a.example', 'xa.example', '10.0.0.1', '[::1]');
const rules = fc.record({
  host: fc.oneof(hosts, fc.constantFrom('*.a.example', '*.example', '*.b.a.example')),
  ports: fc.uniqueArray(fc.constantFrom(80, 443, 22), { minLength: 1 }),
});
const policies: fc.Arbitrary<Policy> = fc.record({
  sets: fc.uniqueArray(fc.constantFrom('git', 'npm', 'models')),
  allow: fc.array(rules, { maxLength: 4 }),
  deny: fc.array(rules, { maxLength: 4 }),
});

test('adding a deny rule never allows more, and removing an allow rule never does either', () => {
  fc.assert(
    fc.property(policies, rules, hosts, fc.constantFrom(80, 443, 22), (policy, rule, host, port) => {
      const before = decidePolicy(policy, sets, host, port).allowed;
      if (decidePolicy({ ...policy, deny: [...policy.deny, rule] }, sets, host, port).allowed) assert.ok(before);
      if (decidePolicy({ ...policy, allow: policy.allow.slice(1) }, sets, host, port).allowed) assert.ok(before);
      assert.equal(decidePolicy({ ...policy, deny: [{ host, ports: [port] }] }, sets, host, port).allowed, false);
    }),
  );
});
