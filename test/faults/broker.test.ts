import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import type { Policy } from '#contract/policy.ts';
import { journalGenesis, journalHashInput, type JournalRecord } from '#contract/journal.ts';
import { createHash } from 'node:crypto';
import { rawRequest } from '../support/raw-request.ts';
import { runProgram } from '../support/run-program.ts';
import { startBroker } from '../support/start-broker.ts';
import { startUpstream } from '../support/upstream.ts';

const get = (url: string): string => `GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

function assertChained(records: readonly JournalRecord[]): void {
  let previous = journalGenesis;
  let sequence = 0;
  for (const { hash, ...rest } of records) {
    assert.equal(rest.previous, previous);
    assert.equal(rest.sequence, sequence + 1);
    assert.equal(hash, createHash('sha256').update(journalHashInput(rest)).digest('hex'));
    previous = hash;
    sequence = rest.sequence;
  }
}

test('H8 after kill -9 in mid-flight every connection that was made is in an unbroken journal', async () => {
  await using upstream = await startUpstream();
  await using broker = await startBroker({ privateDestinations: [{ host: '127.0.0.2', port: upstream.port }] });
  const policy: Policy = { sets: [], allow: [{ host: '127.0.0.2', ports: [upstream.port] }], deny: [] };
  let door = await broker.openDoor(policy);
  const url = `http://127.0.0.2:${upstream.port}/`;
  for (let round = 0; round < 3; round += 1) {
    const asking = Array.from({ length: 40 }, () => rawRequest(door.port, get(url), 1000));
    await new Promise((resolve) => setTimeout(resolve, 20 * round));
    await broker.restart('SIGKILL');
    await Promise.all(asking);
    const records = await broker.journal();
    assertChained(records);
    const allowed = records.filter(({ kind }) => kind === 'egress.allowed').length;
    assert.ok(allowed >= upstream.requests.length, `${allowed} records for ${upstream.requests.length} requests`);
    door = await broker.openDoor(undefined, door);
  }
  assert.match(await rawRequest(door.port, get(url)), /^HTTP\/1\.1 200 /);
});

test('a restarted broker knows its key, policies and secrets, and has dropped what was dropped', async () => {
  await using upstream = await startUpstream();
  await using broker = await startBroker({ privateDestinations: [{ host: '127.0.0.2', port: upstream.port }] });
  const kept = await broker.openDoor({ sets: ['models'], allow: [], deny: [] });
  const dropped = await broker.openDoor({ sets: ['models'], allow: [], deny: [] });
  for (const { teamId } of [kept, dropped]) {
    const baseUrl = `http://127.0.0.2:${upstream.port}`;
    const description = { teamId, name: 'anthropic', kind: 'anthropic', baseUrl, userName: 'x' } as const;
    await broker.setSecret(description, 'sk-ant-kept');
  }
  await broker.channel.call('policy.drop', { sandboxId: dropped.sandboxId });
  const before = await broker.channel.call('broker.health', {});
  await broker.restart('SIGKILL');
  const after = await broker.channel.call('broker.health', {});
  assert.equal(after.reply.publicKey, before.reply.publicKey);
  assert.equal(after.reply.doors, 0);
  const again = await broker.openDoor(undefined, kept);
  assert.match(await rawRequest(again.port, get('/anthropic/v1')), /^HTTP\/1\.1 200 /);
  assert.equal(upstream.requests[0]?.headers['x-api-key'], 'sk-ant-kept');
  const gone = await broker.openDoor(undefined, dropped);
  assert.match(await rawRequest(gone.port, get('/anthropic/v1')), /^HTTP\/1\.1 403 [\s\S]*no policy/);
});

test('a policy for a sandbox of another team is refused and changes nothing', async () => {
  await using broker = await startBroker();
  const door = await broker.openDoor({ sets: ['git'], allow: [], deny: [] });
  const stranger = await broker.openDoor({ sets: [], allow: [], deny: [] });
  await assert.rejects(
    broker.setPolicy({ ...door, teamId: stranger.teamId }, { sets: ['models'], allow: [], deny: [] }),
    { code: 'conflict' },
  );
});

test('a record of state that was damaged is as if it were not there, and the broker starts', async () => {
  await using broker = await startBroker();
  const door = await broker.openDoor({ sets: ['git'], allow: [], deny: [] });
  const policies = path.join(broker.config.stateDirectory, 'policies');
  const [file = ''] = await readdir(policies);
  await writeFile(path.join(policies, file), (await readFile(path.join(policies, file), 'utf8')).slice(0, 40));
  await broker.restart();
  const again = await broker.openDoor(undefined, door);
  assert.match(await rawRequest(again.port, 'CONNECT a.example:443 HTTP/1.1\r\n\r\n'), /no policy/);
  assert.match(broker.output(), /cannot be read/);
});

test('H8 when the disk of the journal is full nothing leaves, and when it has room again it does', async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('a file system of its own for the journal needs root');
    return;
  }
  await using upstream = await startUpstream();
  await using broker = await startBroker({ privateDestinations: [{ host: '127.0.0.2', port: upstream.port }] });
  const { journalDirectory } = broker.config;
  const mounted = await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', journalDirectory]);
  if (mounted.code !== 0) {
    t.skip(`tmpfs could not be mounted: ${mounted.stderr.trim()}`);
    return;
  }
  try {
    await broker.restart();
    const door = await broker.openDoor({ sets: [], allow: [{ host: '127.0.0.2', ports: [upstream.port] }], deny: [] });
    const url = `http://127.0.0.2:${upstream.port}/`;
    const last = await rawRequest(door.port, get(url));
    assert.match(last, /^HTTP\/1\.1 503 [\s\S]*nothing may leave while it cannot be recorded/);
    const reached = upstream.requests.length;
    assert.match(
      await rawRequest(door.port, `CONNECT 127.0.0.2:${upstream.port} HTTP/1.1\r\n\r\n`),
      /^HTTP\/1\.1 503 /,
    );
    assert.match(await rawRequest(door.port, get(url)), /^HTTP\/1\.1 503 /);
    assert.equal(upstream.requests.length, reached);
    await runProgram('mount', ['-o', 'remount,size=4m', journalDirectory]);
    assert.match(await rawRequest(door.port, get(url)), /^HTTP\/1\.1 200 /);
    // Whoever else fills the disk now: the journal has its room already.
    const ballast = path.join(journalDirectory, 'ballast');
    await assert.rejects(writeFile(ballast, Buffer.alloc(8 * 1_048_576)), { code: 'ENOSPC' });
    for (let turn = 0; turn < 20; turn += 1) assert.match(await rawRequest(door.port, get(url)), /^HTTP\/1\.1 200 /);
    await broker.restart();
    assert.match(await rawRequest((await broker.openDoor(undefined, door)).port, get(url)), /^HTTP\/1\.1 200 /);
    assertChained(await broker.journal());
  } finally {
    await runProgram('umount', ['-l', journalDirectory]);
  }
});

test('the broker ends when its warden does, and on SIGTERM cleanly', async () => {
  await using broker = await startBroker();
  const exited = once(broker.child, 'exit');
  broker.child.disconnect();
  assert.deepEqual(await exited, [0, null]);
  await using second = await startBroker();
  const door = await second.openDoor();
  const socket = connect(door.port, '127.0.0.1');
  await once(socket, 'connect');
  const ended = once(second.child, 'exit');
  second.child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  socket.destroy();
});
