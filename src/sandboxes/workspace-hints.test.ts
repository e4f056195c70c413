import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { WorkspaceId } from '#base/ids.ts';
import { createWorkspaceHints, type WorkspaceHint } from '#sandboxes/workspace-hints.ts';

const id = 'w'.repeat(20) as WorkspaceId;
const clone = (line: string): WorkspaceHint => ({ type: 'clone', phase: 'x', percent: null, line });

async function take(stream: AsyncIterable<WorkspaceHint>, count: number): Promise<WorkspaceHint[]> {
  const taken: WorkspaceHint[] = [];
  for await (const hint of stream) if (taken.push(hint) === count) break;
  return taken;
}

test('what happens between subscribing and reading is not missed, and "look again" comes once', async () => {
  const hints = createWorkspaceHints();
  const stream = hints.subscribe(id, new AbortController().signal);
  for (let turn = 0; turn < 5; turn += 1) hints.publish(id, { type: 'files' });
  hints.publish(id, clone('one'));
  hints.publish('v'.repeat(20) as WorkspaceId, clone('another workspace'));
  hints.publish(id, clone('two'));
  assert.deepEqual(await take(stream, 3), [{ type: 'files' }, clone('one'), clone('two')]);
});

test('a reader that never reads costs a bounded queue, and keeps the newest', async () => {
  const hints = createWorkspaceHints();
  const stream = hints.subscribe(id, new AbortController().signal);
  for (let turn = 0; turn < 10_000; turn += 1) hints.publish(id, clone(String(turn)));
  const taken = await take(stream, 200);
  assert.deepEqual(taken.at(-1), clone('9999'));
});

test('an abort ends a reader that waits', async () => {
  const hints = createWorkspaceHints();
  const abort = new AbortController();
  const ended = take(hints.subscribe(id, abort.signal), 1);
  abort.abort();
  assert.deepEqual(await ended, []);
});

test('hints that come often are joined', async () => {
  const hints = createWorkspaceHints();
  const abort = new AbortController();
  const seen: WorkspaceHint[] = [];
  const reading = (async () => {
    for await (const hint of hints.subscribe(id, abort.signal)) seen.push(hint);
  })();
  for (let turn = 0; turn < 50; turn += 1) {
    hints.publishAtMost(id, 'files', 40);
    await wait(2);
  }
  await wait(60);
  abort.abort();
  await reading;
  assert.ok(seen.length >= 3 && seen.length <= 7, String(seen.length));
});
