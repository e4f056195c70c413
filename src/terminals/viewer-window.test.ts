import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewerWindowBytes } from '#contract/terminal.ts';
import { maximumPieceBytes } from '#terminals/terminal-output.ts';
import { ViewerWindow } from '#terminals/viewer-window.ts';

const never = new AbortController().signal;
const transport = { send() {}, bufferedBytes: 0, drained: async () => undefined };
const state = async (promise: Promise<void>): Promise<string> =>
  Promise.race([promise.then(() => 'room'), new Promise<string>((resolve) => setTimeout(resolve, 20, 'waits'))]);

test('no piece takes a viewer beyond its window, and an acknowledgement makes room', async () => {
  const window = new ViewerWindow(100, transport);
  let sent = 100;
  while ((await state(window.room(never))) === 'room') window.sentUpTo((sent += maximumPieceBytes));
  assert.equal(sent, 100 + viewerWindowBytes);
  const waiting = window.room(never);
  window.acknowledge(sent);
  assert.equal(await state(waiting), 'room');
});

test('an acknowledgement of what was not sent gains nothing', async () => {
  const window = new ViewerWindow(0, transport);
  window.sentUpTo(viewerWindowBytes);
  window.acknowledge(Number.MAX_SAFE_INTEGER);
  window.sentUpTo(2 * viewerWindowBytes);
  assert.equal(await state(window.room(AbortSignal.timeout(100)).catch(() => undefined)), 'waits');
});

test('waiting ends when the viewer goes', async () => {
  const window = new ViewerWindow(0, transport);
  window.sentUpTo(viewerWindowBytes);
  await assert.rejects(window.room(AbortSignal.timeout(10)), { name: 'TimeoutError' });
});
