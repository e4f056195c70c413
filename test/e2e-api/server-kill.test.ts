import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Terminal, Workspace } from '#contract/api.ts';
import { createCountCheck } from '../support/count-stream.ts';
import { whySandboxesCannotRun } from '../support/start-warden.ts';
import { startSystem } from './support/start-system.ts';
import { openViewer } from './support/terminal-viewer.ts';

const skip = whySandboxesCannotRun();
const program = readFileSync(join(import.meta.dirname, '../support/counter-stream.py')).toString('base64');

test('H7 a server killed while output flows loses and repeats no byte of it', { timeout: 180_000 }, async (t) => {
  if (skip) return t.skip(skip);
  await using system = await startSystem({});
  const key = await system.key(['*']);
  const workspace = (await system.api('POST', '/workspaces', { name: 'Killed' })).json as unknown as Workspace;
  const last = 2_000_000;
  const opened = await system.api('POST', `/workspaces/${workspace.id}/terminals`, {
    command: `echo ${program} | base64 -d > /tmp/count.py; exec python3 /tmp/count.py ${last} 0.0005`,
  });
  assert.equal(opened.status, 201, opened.text);
  const terminal = opened.json as unknown as Terminal;

  const check = createCountCheck();
  let offset = 0;
  for (let kills = 0; kills < 3; kills += 1) {
    const viewer = await openViewer(system.origin, key, terminal.id, { offset });
    const goal = offset + 1_500_000;
    await viewer.until(() => viewer.end() > goal, 30_000);
    await system.killServer();
    viewer.close();
    check.push(viewer.output());
    offset = viewer.end();
    await system.startServer();
  }
  const viewer = await openViewer(system.origin, key, terminal.id, { offset });
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'ended'), 90_000);
  check.push(viewer.output());
  assert.equal(check.next, last + 1);
  assert.deepEqual(viewer.frames.at(-1), { kind: 'ended', exitCode: 0, signal: null });

  // What was trimmed from the spool long ago comes from the recording, byte for byte.
  const replay = createCountCheck();
  const again = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await again.until(() => again.frames.some((frame) => frame.kind === 'ended'), 60_000);
  replay.push(again.output());
  assert.equal(replay.next, last + 1);
});
