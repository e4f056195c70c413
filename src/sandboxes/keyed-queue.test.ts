import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createKeyedQueue } from '#sandboxes/keyed-queue.ts';

test('work of one key runs in order and one at a time, a failure stays with its caller', async () => {
  const queue = createKeyedQueue<string>();
  const seen: string[] = [];
  const work =
    (name: string, ms: number, fails = false) =>
    async () => {
      seen.push(`${name} begins`);
      await wait(ms);
      seen.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };
  const first = queue.run('a', work('first', 20, true));
  const second = queue.run('a', work('second', 1));
  const other = queue.run('b', work('other', 5));
  await assert.rejects(first, /first/);
  assert.equal(await second, 'second');
  assert.equal(await other, 'other');
  assert.deepEqual(
    seen.filter((line) => !line.startsWith('other')),
    ['first begins', 'first ends', 'second begins', 'second ends'],
  );
  assert.ok(seen.indexOf('other ends') < seen.indexOf('first ends'));
});
