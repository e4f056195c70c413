import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CasemateError } from '#contract/errors.ts';
import { type BrowserFrame, maximumInputFrameBytes, type ServerFrame, terminalFrames } from '#contract/terminal.ts';
import {
  decodeBrowserFrame,
  decodeServerFrame,
  encodeBrowserFrame,
  encodeServerFrame,
} from '#contract/terminal-codec.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const length = fc.integer({ min: 1, max: 1000 });
const token = fc.nat({ max: 0xffff_ffff });

const browserFrame: fc.Arbitrary<BrowserFrame> = fc
  .oneof(
    fc.record({ kind: fc.constantFrom('key', 'paste', 'reply'), bytes }),
    fc.record({ kind: fc.constant('resize'), columns: length, rows: length }),
    fc.record({ kind: fc.constant('acknowledge'), offset }),
    fc.record({ kind: fc.constant('ping'), token }),
  )
  .map((frame) => ({ ...frame })) as fc.Arbitrary<BrowserFrame>;

const serverFrame: fc.Arbitrary<ServerFrame> = fc
  .oneof(
    fc.record({ kind: fc.constant('output'), offset, bytes }),
    fc.record({ kind: fc.constant('size'), columns: length, rows: length }),
    fc.record({ kind: fc.constant('pong'), token }),
    fc.record({
      kind: fc.constant('ended'),
      exitCode: fc.option(fc.integer(), { nil: null }),
      signal: fc.option(fc.string({ unit: 'binary' }), { nil: null }),
    }),
    fc.record({
      kind: fc.constant('notice'),
      code: fc.string(),
      message: fc.string({ unit: 'grapheme' }),
    }),
    fc.record({ kind: fc.constant('role'), answersQueries: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('start', 'live'), offset }),
  )
  .map((frame) => ({ ...frame })) as fc.Arbitrary<ServerFrame>;

test('every frame of a browser survives encoding and decoding', () => {
  fc.assert(
    fc.property(browserFrame, (frame) => assert.deepEqual(decodeBrowserFrame(encodeBrowserFrame(frame)), frame)),
  );
});

test('every frame of the server survives encoding and decoding', () => {
  fc.assert(fc.property(serverFrame, (frame) => assert.deepEqual(decodeServerFrame(encodeServerFrame(frame)), frame)));
});

test('a frame may lie anywhere in a larger buffer', () => {
  const encoded = encodeBrowserFrame({ kind: 'resize', columns: 132, rows: 43 });
  const buffer = new Uint8Array(20);
  buffer.set(encoded, 7);
  assert.deepEqual(decodeBrowserFrame(buffer.subarray(7, 12)), { kind: 'resize', columns: 132, rows: 43 });
});

test('any bytes give a frame or a CasemateError, never anything else', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .tuple(fc.constantFrom(...Object.values(terminalFrames)), fc.uint8Array({ maxLength: 40 }))
      .map(([kind, rest]) => new Uint8Array([kind, ...rest])),
  );
  for (const decode of [decodeBrowserFrame, decodeServerFrame]) {
    fc.assert(
      fc.property(hostile, (input) => {
        try {
          decode(input);
        } catch (error) {
          assert.ok(error instanceof CasemateError);
          assert.equal(error.code, 'invalid_request');
        }
      }),
    );
  }
});

test('frames of the server are refused from a browser, and the other way round', () => {
  fc.assert(fc.property(serverFrame, (frame) => assert.throws(() => decodeBrowserFrame(encodeServerFrame(frame)))));
  fc.assert(fc.property(browserFrame, (frame) => assert.throws(() => decodeServerFrame(encodeBrowserFrame(frame)))));
});

test('a browser frame above the limit is too large', () => {
  const frame = new Uint8Array(maximumInputFrameBytes + 1);
  frame[0] = terminalFrames.key;
  assert.throws(() => decodeBrowserFrame(frame), { code: 'too_large' });
  assert.equal(decodeBrowserFrame(frame.subarray(0, maximumInputFrameBytes)).kind, 'key');
});

test('sizes of nothing or beyond 1000 and offsets beyond 2^53 are refused', () => {
  for (const [columns, rows] of [
    [0, 10],
    [10, 0],
    [1001, 10],
    [10, 65535],
  ] as const) {
    assert.throws(() => decodeBrowserFrame(encodeBrowserFrame({ kind: 'resize', columns, rows })), {
      code: 'invalid_request',
    });
  }
  assert.throws(() => decodeBrowserFrame(new Uint8Array([terminalFrames.acknowledge, 0, 0x20, 0, 0, 0, 0, 0, 0])), {
    code: 'invalid_request',
  });
});
