import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { parseInput } from '#http/parse-input.ts';

const schema = z.strictObject({
  name: z.string().max(5).optional(),
  list: z.array(z.strictObject({ count: z.number() })).optional(),
  map: z.record(z.string().regex(/^[a-z]+$/), z.string()).optional(),
});
const messageOf = (input: unknown): string => {
  try {
    parseInput(schema, input, 'body');
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'invalid_request');
    return (error as Error).message;
  }
  return 'accepted';
};

test('a refusal says where and why', () => {
  assert.match(messageOf({ name: 'too long' }), /^body\.name: Too big: expected string to have <=5 characters$/);
  assert.match(
    messageOf({ list: [{ count: 'x' }] }),
    /^body\.list\.0\.count: Invalid input: expected number, received string$/,
  );
  assert.equal(messageOf({ surprise: 1 }), 'body: has members that are not known');
});

test('NUL and half a surrogate pair are refused anywhere, in names of members too', () => {
  for (const input of [{ name: '\0' }, { name: '\ud800' }, { map: { '\udfff': 'x' } }, { list: [{ '\0': 1 }] }]) {
    assert.match(messageOf(input), /not valid Unicode, or NUL/);
  }
});

test('what is nested too deep is refused before any schema sees it', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100; level++) deep = [deep];
  assert.match(messageOf(deep), /nested too deep/);
});

test('nothing of the input is ever repeated', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.jsonValue(), (text, value) => {
      const secret = `<${text}>`;
      for (const input of [
        secret,
        { [secret]: value },
        { name: secret },
        { map: { [secret]: secret } },
        { list: [{ [secret]: secret }] },
      ]) {
        assert.ok(!messageOf(input).includes(secret));
      }
    }),
  );
});
