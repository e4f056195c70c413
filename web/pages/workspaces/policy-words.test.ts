import assert from 'node:assert/strict';
import test from 'node:test';
import { policyPresets } from '#contract/policy.ts';
import { policySentence } from './policy-words.ts';

test('a policy is told as a sentence, its sets first and then the names', () => {
  assert.equal(policySentence(policyPresets.closed), 'Nothing may leave.');
  assert.equal(
    policySentence(policyPresets.coding),
    'Git hosts, package registries and model APIs may be reached. All else is refused.',
  );
  assert.equal(
    policySentence({
      sets: ['git'],
      allow: [
        { host: 'a.example', ports: [443] },
        { host: '10.0.0.7', ports: [8080] },
      ],
      deny: [],
    }),
    'Git hosts, a.example and 10.0.0.7:8080 may be reached. All else is refused.',
  );
});
