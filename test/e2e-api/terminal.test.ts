import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Terminal, Workspace } from '#contract/api.ts';
import { whySandboxesCannotRun } from '../support/start-warden.ts';
import { startSystem } from './support/start-system.ts';
import { openViewer } from './support/terminal-viewer.ts';

const skip = whySandboxesCannotRun();

test('an empty workspace, a terminal in it, and every byte of it over the WebSocket', {
  timeout: 120_000,
}, async (t) => {
  if (skip) return t.skip(skip);
  await using system = await startSystem({});
  const key = await system.key(['*']);
  const made = await system.api('POST', '/workspaces', { name: 'First' });
  assert.equal(made.status, 201, made.text + system.log());
  const workspace = made.json as unknown as Workspace;
  assert.equal(workspace.state, 'ready');

  const opened = await system.api('POST', `/workspaces/${workspace.id}/terminals`, {
    size: { columns: 100, rows: 30 },
  });
  assert.equal(opened.status, 201, opened.text + system.log() + system.warden.output());
  const terminal = opened.json as unknown as Terminal;
  const viewer = await openViewer(system.origin, key, terminal.id);
  viewer.type('echo $((6*7))-$(stty size | tr " " x)-$PWD; env | grep -c casemate-adds\r');
  await viewer.until(() => viewer.output().toString().includes('42-30x100-/home/user/workspace'));
  await viewer.until(() => /\n2\r/.test(viewer.output().toString()));
  viewer.type('exit 7\r');
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'));
  assert.deepEqual(viewer.frames.at(-1), { kind: 'ended', exitCode: 7, signal: null });
  const whole = viewer.output();

  const again = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await again.until(() => again.frames.some((frame) => frame.kind === 'ended'));
  assert.deepEqual(again.output(), whole);
});
