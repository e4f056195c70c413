import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditCatalogue } from '#contract/audit.ts';
import { actorOf, sentenceOf } from './sentence.ts';

test('every event of the catalogue has a sentence that its own fields complete', () => {
  const names = Object.keys(auditCatalogue) as (keyof typeof auditCatalogue)[];
  assert.ok(names.length > 20);
  for (const event of names) {
    const fields = Object.fromEntries(Object.keys(auditCatalogue[event].fields).map((field) => [field, `<${field}>`]));
    const sentence = sentenceOf({ event, fields }, new Map());
    assert.doesNotMatch(sentence, /[{}]|something/, event);
  }
});

test('ids are replaced by names, and missing fields do not break a sentence', () => {
  const known = new Map([['w1', 'Website']]);
  assert.equal(
    sentenceOf({ event: 'policy.changed', fields: { workspaceId: 'w1' } }, known),
    'changed what may leave Website',
  );
  assert.equal(sentenceOf({ event: 'file.read', fields: {} }, known), 'read something');
  assert.equal(sentenceOf({ event: 'a.new-one', fields: {} }, known), 'a.new-one');
});

test('an actor is named where the name is known', () => {
  assert.equal(actorOf({ actor: { kind: 'user', id: 'u1' } }, new Map([['u1', 'Ada']])), 'Ada');
  assert.equal(actorOf({ actor: { kind: 'user', id: 'u2' } }, new Map()), 'A person');
  assert.equal(actorOf({ actor: { kind: 'system', process: 'broker' } }, new Map()), 'The broker');
});
