import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { z } from 'zod';
import { frameKinds, type MethodTable } from '#contract/channel.ts';
import { CasemateError } from '#contract/errors.ts';
import { connectChannel } from '#channel/connect.ts';
import { encodeFrame, encodeHeaded } from '#channel/frame.ts';
import { type Handlers, serveChannel, withPayload } from '#channel/serve.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const none = z.strictObject({});
const methods = {
  echo: { request: z.strictObject({ text: z.string() }), reply: z.strictObject({ text: z.string() }) },
  refuse: { request: none, reply: none },
  break: { request: none, reply: none },
  flood: { request: z.strictObject({ bytes: z.number() }), reply: none, stream: 'down', item: none },
  collect: { request: none, reply: z.strictObject({ bytes: z.number() }), stream: 'up', item: none },
  hang: { request: none, reply: none },
  neglect: { request: none, reply: none, stream: 'up', item: none },
} as const satisfies MethodTable;

async function pair(t: TestContext, overrides: Partial<Handlers<typeof methods>> = {}) {
  const directory = await mkdtemp(path.join(tmpdir(), 'channel-'));
  const socket = path.join(directory, 'a.sock');
  const seen = { aborted: 0, sent: 0 };
  const handlers: Handlers<typeof methods> = {
    echo: async ({ text }, call) => withPayload({ text }, call.payload),
    refuse: async () => {
      throw new CasemateError('conflict', 'It is busy', { detail: { state: 'busy' } });
    },
    break: async () => {
      throw new Error('a secret detail');
    },
    flood: async ({ bytes }, call) => {
      for (let sent = 0; sent < bytes; sent += 65_536) {
        await call.send({}, Buffer.alloc(65_536, 1));
        seen.sent = sent;
      }
      return {};
    },
    collect: async (_, call) => {
      let bytes = 0;
      for await (const { payload } of call.items) bytes += payload.length;
      return { bytes };
    },
    hang: async (_, call) => {
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
      seen.aborted += 1;
      throw new CasemateError('cancelled');
    },
    neglect: async (_, call) => {
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
      throw new CasemateError('cancelled');
    },
    ...overrides,
  };
  const serve = () => serveChannel(methods, handlers, { path: socket, log });
  let server = await serve();
  const channel = connectChannel(methods, { path: socket, log });
  t.after(async () => {
    channel.close();
    await server.close();
    await rm(directory, { recursive: true });
  });
  const restart = async () => {
    await server.close();
    server = await serve();
  };
  return { channel, socket, seen, restart, stop: () => server.close() };
}

test('a call carries parameters, bytes and the reply', async (t) => {
  const { channel } = await pair(t);
  const { reply, payload } = await channel.call('echo', { text: 'ä' }, { payload: Buffer.from([0, 255]) });
  assert.deepEqual([reply, [...payload]], [{ text: 'ä' }, [0, 255]]);
});

test('an error of the catalogue arrives as it is, any other as internal without its text', async (t) => {
  const { channel } = await pair(t);
  await assert.rejects(channel.call('refuse', {}), {
    code: 'conflict',
    message: 'It is busy',
    detail: { state: 'busy' },
  });
  await assert.rejects(channel.call('break', {}), (error: CasemateError) => {
    assert.equal(error.code, 'internal');
    assert.ok(!error.message.includes('secret'));
    return true;
  });
});

test('parameters that the schema refuses never reach the handler', async (t) => {
  const { channel } = await pair(t);
  await assert.rejects(channel.call('echo', { text: 1 } as unknown as { text: string }), { code: 'invalid_request' });
  await assert.rejects(channel.call('constructor' as 'echo', { text: '' }), { code: 'invalid_request' });
});

test('a reader that stops stalls the sender within one window and nothing is lost', async (t) => {
  const { channel, seen } = await pair(t);
  const call = channel.open('flood', { bytes: 16 * 1_048_576 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(seen.sent < 2 * 1_048_576, `sent ${seen.sent} bytes to a reader that reads nothing`);
  let bytes = 0;
  for await (const item of call.items) bytes += item.payload.length;
  assert.equal(bytes, 16 * 1_048_576);
  await call.done;
});

test('items go up with back-pressure and the reply counts them', async (t) => {
  const { channel } = await pair(t);
  const call = channel.open('collect', {});
  for (let index = 0; index < 40; index += 1) await call.send({}, Buffer.alloc(100_000));
  call.end();
  assert.deepEqual((await call.done).reply, { bytes: 4_000_000 });
});

test('H5 items that nobody reads are held up to a total, beyond which their calls are refused and room is made', async (t) => {
  const { channel } = await pair(t);
  const fill = async () => {
    const call = channel.open('neglect', {});
    for (let item = 0; item < 16; item += 1) await call.send({}, Buffer.alloc(60_000));
    return call;
  };
  const calls = await Promise.all(Array.from({ length: 90 }, fill));
  await channel.call('echo', { text: '' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const refused = new Set<unknown>();
  for (const call of calls)
    call.done.catch((error: CasemateError) => refused.add(error.code === 'rate_limited' && call));
  await new Promise((resolve) => setTimeout(resolve, 20));
  // 64 MiB are 69 windows of 960,000 bytes; each refused call gives back what it held.
  assert.ok(refused.size >= 15 && refused.size < 60 && !refused.has(false), String(refused.size));
  for (const call of calls) call.cancel();
  await channel.call('echo', { text: '' });
  const again = await Promise.all(Array.from({ length: 40 }, fill));
  await channel.call('echo', { text: '' });
  const states = await Promise.all(
    again.map(({ done }) => Promise.race([done.catch(() => 'refused'), Promise.resolve('open')])),
  );
  assert.deepEqual([...new Set(states)], ['open']);
});

test('H5 a peer that sends beyond its window, or headers that are no headers, loses its connection', async (t) => {
  const { channel, socket } = await pair(t);
  const request = encodeHeaded({ method: 'neglect', parameters: {} });
  const attacks = {
    window: Array.from({ length: 24 }, () => encodeHeaded({}, Buffer.alloc(60_000))),
    header: [encodeHeaded({ text: 'x'.repeat(100_000) })],
    payload: [encodeHeaded({}, Buffer.alloc(100_000))],
  };
  for (const [name, items] of Object.entries(attacks)) {
    const hostile = connect(socket);
    hostile.on('error', () => undefined);
    for (const part of encodeFrame(frameKinds.request, 1, request)) hostile.write(part);
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const item of items) for (const part of encodeFrame(frameKinds.item, 1, item)) hostile.write(part);
    await new Promise((resolve) => hostile.once('close', resolve));
    assert.equal((await channel.call('echo', { text: name })).reply.text, name);
  }
});

test('H5 more connections than the maximum are closed, and those that stand go on', async (t) => {
  const { channel, socket } = await pair(t);
  await channel.call('echo', { text: '' });
  let closed = 0;
  const many = Array.from({ length: 100 }, () =>
    connect(socket)
      .on('close', () => (closed += 1))
      .on('error', () => undefined),
  );
  for (let wait = 0; wait < 100 && closed < 100 - 63; wait += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(closed, 100 - 63);
  await channel.call('echo', { text: '' });
  for (const one of many) one.destroy();
});

test('cancelling aborts the handler and rejects the call', async (t) => {
  const { channel, seen } = await pair(t);
  const abort = new AbortController();
  const call = channel.call('hang', {}, { signal: abort.signal });
  setTimeout(() => abort.abort(), 30);
  await assert.rejects(call, { code: 'cancelled' });
  await channel.call('echo', { text: '' });
  assert.equal(seen.aborted, 1);
});

test('calls fail with unavailable when the server goes, and work again when it is back', async (t) => {
  const { channel, restart } = await pair(t);
  let connects = 0;
  channel.onConnected(() => {
    connects += 1;
  });
  await channel.call('echo', { text: '' });
  const call = channel.call('hang', {});
  await new Promise((resolve) => setTimeout(resolve, 30));
  await restart();
  await assert.rejects(call, { code: 'unavailable' });
  await channel.call('echo', { text: 'again' });
  assert.equal(connects, 2);
});

test('bytes that are no frames end their connection and harm no other', async (t) => {
  const { channel, socket } = await pair(t);
  for (const bytes of [
    Buffer.alloc(4096, 0xff),
    Buffer.from([0, 0, 0, 5, 99, 0, 0, 0, 0]),
    Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 1]),
  ]) {
    const hostile = connect(socket);
    hostile.on('error', () => undefined);
    hostile.write(bytes);
    await new Promise((resolve) => hostile.once('close', resolve));
  }
  assert.equal((await channel.call('echo', { text: 'well' })).reply.text, 'well');
});
