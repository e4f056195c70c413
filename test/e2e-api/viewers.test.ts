import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { Terminal, Workspace } from '#contract/api.ts';
import { maximumInputFrameBytes, viewerWindowBytes } from '#contract/terminal.ts';
import { whySandboxesCannotRun } from '../support/start-warden.ts';
import { startSystem, type TestSystem } from './support/start-system.ts';
import { openViewer, type TestViewer } from './support/terminal-viewer.ts';

const skip = whySandboxesCannotRun();
let system: TestSystem;
let workspace: Workspace;
let key: string;

before(async () => {
  if (skip) return;
  system = await startSystem({});
  key = await system.key(['*']);
  workspace = (await system.api('POST', '/workspaces', { name: 'Viewers' })).json as unknown as Workspace;
});
after(async () => {
  await system?.[Symbol.asyncDispose]();
});

const open = async (body: object = {}): Promise<Terminal> => {
  const answer = await system.api('POST', `/workspaces/${workspace.id}/terminals`, body);
  assert.equal(answer.status, 201, answer.text + system.log());
  return answer.json as unknown as Terminal;
};
const end = (terminal: Terminal) => system.api('DELETE', `/terminals/${terminal.id}`);
const shows = (viewer: TestViewer, text: string | RegExp) => () =>
  typeof text === 'string' ? viewer.output().includes(text) : text.test(viewer.output().toString());
const roles = (viewer: TestViewer) =>
  viewer.frames.flatMap((frame) => (frame.kind === 'role' ? [frame.answersQueries] : []));

test('several viewers see the same bytes; who typed last drives, sizes and answers', async (t) => {
  if (skip) return t.skip(skip);
  const terminal = await open();
  const first = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await first.until(() => roles(first).length > 0);
  const second = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await second.until(() => roles(second).length > 0);
  assert.deepEqual([roles(first), roles(second)], [[true], [false]]);

  second.send({ kind: 'resize', columns: 132, rows: 50 });
  first.send({ kind: 'resize', columns: 90, rows: 20 });
  await second.until(() => second.frames.some((frame) => frame.kind === 'size' && frame.columns === 90));
  first.type('stty size\r');
  await first.until(shows(first, /20 90\r/));
  second.type('stty size\r');
  await first.until(shows(first, /50 132\r/));
  assert.deepEqual(
    [roles(first), roles(second)],
    [
      [true, false],
      [false, true],
    ],
  );

  // The program would see both answers to one query; only the driver's passes.
  second.type('cat -v\r');
  await second.until(shows(second, /cat -v\r\n/));
  first.send({ kind: 'reply', bytes: Buffer.from('\u001b[1;1R-not-the-driver\r') });
  second.send({ kind: 'reply', bytes: Buffer.from('\u001b[2;2R-the-driver\r') });
  await second.until(shows(second, '^[[2;2R-the-driver'));
  assert.ok(!shows(second, 'not-the-driver')());
  second.close();
  await first.until(() => roles(first).length === 3);
  assert.deepEqual(roles(first), [true, false, true]);
  await first.until(() => first.output().length >= second.output().length);
  assert.deepEqual(first.output().subarray(0, second.output().length), second.output());
  await end(terminal);
  await first.until(() => first.frames.some((frame) => frame.kind === 'ended'));
});

test('a viewer that comes later is told to the byte where its history ends, a resumed one what nobody answered', async (t) => {
  if (skip) return t.skip(skip);
  const terminal = await open();
  const liveOf = (viewer: TestViewer) =>
    viewer.frames.flatMap((frame) => (frame.kind === 'live' ? [frame.offset] : []));
  const first = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await first.until(() => liveOf(first).length > 0);
  assert.deepEqual(liveOf(first), [0], 'what nobody was shown is to be answered');
  first.type('echo history-$((1+1))\r');
  await first.until(shows(first, /history-2\r\n[^]*❯[^]* $/));
  const shown = first.end();
  const second = await openViewer(system.origin, key, terminal.id);
  await second.until(() => liveOf(second).length > 0);
  assert.deepEqual(liveOf(second), [shown]);
  assert.equal(second.end(), shown, 'no sooner than the history was sent');
  const resumed = await openViewer(system.origin, key, terminal.id, { offset: 3 });
  await resumed.until(() => liveOf(resumed).length > 0);
  assert.deepEqual(liveOf(resumed), [shown], 'the first one drove and has answered');
  for (const viewer of [first, second, resumed]) viewer.close();
  await end(terminal);
});

test('who may only watch sees everything and changes nothing', async (t) => {
  if (skip) return t.skip(skip);
  const terminal = await open();
  const watcher = await openViewer(system.origin, await system.key(['terminal:watch']), terminal.id, { offset: 0 });
  await watcher.until(() => roles(watcher).length > 0);
  watcher.type('echo smuggled\r');
  watcher.send({ kind: 'paste', bytes: Buffer.from('echo smuggled\r') });
  watcher.send({ kind: 'reply', bytes: Buffer.from('echo smuggled\r') });
  watcher.send({ kind: 'resize', columns: 10, rows: 10 });
  await watcher.until(() => watcher.frames.filter((frame) => frame.kind === 'notice').length === 2);
  const driver = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  driver.type('stty size\r');
  await watcher.until(shows(watcher, /24 80\r/));
  assert.ok(!shows(watcher, 'smuggled')());
  assert.deepEqual(roles(watcher), [false]);
  const stranger = openViewer(system.origin, await system.key(['workspace:read']), terminal.id);
  await assert.rejects(stranger, /403/);
  await end(terminal);
});

test('no frame reaches another terminal, and no id of another team or kind opens one', async (t) => {
  if (skip) return t.skip(skip);
  const one = await open();
  const other = await open();
  const quiet = await openViewer(system.origin, key, other.id, { offset: 0 });
  // Its prompt comes in pieces; after it nothing may.
  await quiet.until(shows(quiet, '❯'));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = quiet.output().length;
  const viewer = await openViewer(system.origin, key, one.id, { offset: 0 });
  const target = new TextEncoder().encode(other.id);
  for (const kind of [0x00, 0x01, 0x02, 0x03, 0x08, 0x7f, 0x81, 0x87, 0xff]) {
    const frame = await openViewer(system.origin, key, one.id, { offset: 0 });
    frame.socket.send(new Uint8Array([kind, ...target, ...Buffer.from('echo smuggled\r')]));
    if (kind < 0x01 || kind > 0x03) {
      const [code] = (await once(frame.socket, 'close')) as [number];
      assert.equal(code, 4400, `kind ${kind}`);
    }
    frame.close();
  }
  viewer.type('echo done-$((1+1))\r');
  await viewer.until(shows(viewer, 'done-2'));
  assert.equal(quiet.output().length, before, quiet.output().toString());
  for (const id of ['a'.repeat(20), workspace.id, '..%2f..', other.id.toUpperCase()]) {
    await assert.rejects(
      openViewer(system.origin, key, id)
        .then((opened) => once(opened.socket, 'close'))
        .then(([code]) => {
          throw new Error(`closed ${code}`);
        }),
      /4404|400|404/,
    );
  }
  await end(one);
  await end(other);
});

test('frames that are too large, not binary or of no use close the socket or are answered, and the rest goes on', async (t) => {
  if (skip) return t.skip(skip);
  const terminal = await open({ command: 'stty -echo; echo ready; cat -v' });
  const viewer = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await viewer.until(shows(viewer, 'ready'));
  const large = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  large.socket.send(new Uint8Array(maximumInputFrameBytes + 1).fill(1));
  assert.equal(((await once(large.socket, 'close')) as [number])[0], 1009);
  const text = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  text.socket.send('{"type":"key"}');
  assert.equal(((await once(text.socket, 'close')) as [number])[0], 1003);
  viewer.send({ kind: 'key', bytes: new Uint8Array([0xff, 0xfe]) });
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'notice' && frame.code === 'invalid_request'));
  viewer.send({ kind: 'paste', bytes: Buffer.from('a\u001b[201~b\u0003\u0007c\u009b31md\te\nf\u007f\n') });
  await viewer.until(shows(viewer, 'f'));
  await viewer.until(shows(viewer, /a\[201~bc31md\te\r\nf\r\n/));
  viewer.send({ kind: 'ping', token: 77 });
  await viewer.until(() => viewer.frames.some((frame) => frame.kind === 'pong' && frame.token === 77));
  await end(terminal);
});

test('a slow viewer is sent one window and no more, and stalls nobody', async (t) => {
  if (skip) return t.skip(skip);
  const terminal = await open({ command: 'sleep 0.5; seq 1 600000; echo all-done' });
  const slow = await openViewer(system.origin, key, terminal.id, { offset: 0, acknowledge: false });
  const quick = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await quick.until(() => quick.frames.some((frame) => frame.kind === 'ended'), 40_000);
  assert.ok(quick.output().includes('all-done'));
  assert.ok(quick.output().length > 4_000_000);
  assert.ok(slow.output().length <= viewerWindowBytes, String(slow.output().length));
  // It catches up when it wants, from where it is, though the spool has let go of that long ago.
  slow.send({ kind: 'acknowledge', offset: slow.end() });
  await slow.until(() => slow.output().length > viewerWindowBytes);
  slow.close();
  const rest = await openViewer(system.origin, key, terminal.id, { offset: slow.end() });
  await rest.until(() => rest.frames.some((frame) => frame.kind === 'ended'), 40_000);
  assert.deepEqual(Buffer.concat([slow.output(), rest.output()]), quick.output());
  const late = await openViewer(system.origin, key, terminal.id);
  await late.until(() => late.frames.some((frame) => frame.kind === 'ended'), 20_000);
  const start = late.frames.find((frame) => frame.kind === 'start');
  assert.ok(start && start.offset > 0 && quick.output()[start.offset - 1] === 0x0a);
  assert.deepEqual(late.output(), quick.output().subarray(start.offset));
});

test('a large paste arrives whole and in order though its program is slow to read', async (t) => {
  if (skip) return t.skip(skip);
  const terminal = await open({ command: 'stty raw -echo; echo ready; sleep 1; head -c 700000 | sha256sum' });
  const viewer = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await viewer.until(shows(viewer, 'ready'));
  const text = Buffer.from(Array.from({ length: 700_000 }, (_, at) => 97 + ((at * 31 + (at >> 7)) % 26)));
  for (let at = 0; at < text.length; at += 60_000) {
    viewer.send({ kind: 'paste', bytes: text.subarray(at, at + 60_000) });
  }
  const { createHash } = await import('node:crypto');
  await viewer.until(shows(viewer, createHash('sha256').update(text).digest('hex')), 30_000);
});

test('the echo of a key comes back fast', async (t) => {
  if (skip) return t.skip(skip);
  const terminal = await open({ command: 'stty raw -echo; echo ready; cat' });
  const viewer = await openViewer(system.origin, key, terminal.id, { offset: 0 });
  await viewer.until(shows(viewer, 'ready'));
  const times: number[] = [];
  for (let round = 0; round < 200; round += 1) {
    const length = viewer.output().length;
    const began = performance.now();
    const answered = new Promise<void>((resolve) => {
      const look = (): void => {
        if (viewer.output().length === length) return;
        viewer.socket.off('message', look);
        resolve();
      };
      viewer.socket.on('message', look);
    });
    viewer.type('x');
    await answered;
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(2);
  t.diagnostic(`echo over WebSocket: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`);
  assert.ok(Number(at(0.5)) < 30);
  await end(terminal);
});
