import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Terminal, Workspace } from '#contract/api.ts';
import { whySandboxesCannotRun } from '../support/start-warden.ts';
import { startSystem, type TestSystem } from './support/start-system.ts';
import { openViewer } from './support/terminal-viewer.ts';

const skip = whySandboxesCannotRun();
let system: TestSystem;
let key: string;
let workspace: Workspace;

before(async () => {
  if (skip) return;
  system = await startSystem({});
  key = await system.key(['*']);
  workspace = (await system.api('POST', '/workspaces', { name: 'Drain' })).json as unknown as Workspace;
});
after(async () => {
  await system?.[Symbol.asyncDispose]();
});

test('a server that stops finishes what is under way, tells viewers, and the next one goes on at their byte', async (t) => {
  if (skip) return t.skip(skip);
  const opened = await system.api('POST', `/workspaces/${workspace.id}/terminals`, {});
  const terminal = opened.json as unknown as Terminal;
  const viewer = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  viewer.type('i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.01; done\n');
  await viewer.until(() => viewer.output().includes('tick 50\r\n'));
  const closed = once(viewer.socket, 'close') as Promise<[number, Buffer]>;

  // Starting another sandbox takes longer than it takes to ask for the stop.
  const other = (await system.api('POST', '/workspaces', { name: 'Under way' })).json as unknown as Workspace;
  const underWay = system.api('POST', `/workspaces/${other.id}/terminals`, {});
  await delay(60);
  const stopped = system.stopServer();
  const [code, reason] = await closed;
  assert.deepEqual([code, reason.toString()], [1012, 'restarting']);
  const answer = await underWay;
  assert.equal(answer.status, 201, answer.text + system.log());
  await stopped;
  await system.startServer();

  const again = await openViewer(system.origin, key, terminal.id, { offset: viewer.end() });
  await again.until(() => /tick \d+\r\n(?:.|\r\n)*tick \d+\r\n/.test(again.output().toString()));
  const whole = Buffer.concat([viewer.output(), again.output()]).toString();
  const numbers = [...whole.matchAll(/tick (\d+)\r\n/g)].map((match) => Number(match[1]));
  assert.ok(numbers.length > 50);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
  again.close();
  const list = await system.api('GET', `/workspaces/${other.id}/terminals`);
  assert.ok(list.text.includes(String((answer.json as unknown as Terminal).id)), list.text);
});
