import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { chunkKinds, maximumChunkOutputBytes } from '#contract/recording.ts';
import {
  decodeChunkHead,
  decodeRecordingHeader,
  encodeChunkHead,
  maximumPlaintextBytes,
} from '#contract/recording-head.ts';
import {
  decodeExit,
  decodeOutput,
  decodeResize,
  encodeExit,
  encodeOutput,
  encodeResize,
} from '#contract/recording-plaintext.ts';

const natural = fc.nat(Number.MAX_SAFE_INTEGER);

test('a chunk head reads back as it was written', () => {
  fc.assert(
    fc.property(
      fc.nat(0xffff_ffff),
      natural,
      natural,
      fc.nat(maximumPlaintextBytes),
      fc.nat(maximumChunkOutputBytes),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (sequence, offset, timeMs, plaintextBytes, outputBytes, ephemeralKey) => {
        const head = { kind: chunkKinds.output, sequence, offset, timeMs, plaintextBytes, outputBytes, ephemeralKey };
        assert.deepEqual(decodeChunkHead(encodeChunkHead(head)), head);
      },
    ),
  );
});

test('output reads back with its times, however it came in pieces', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ timeMs: fc.nat(1_000_000), bytes: fc.nat(50) })),
      fc.nat(1000),
      (pieces, start) => {
        const timings = pieces.map((piece) => ({ ...piece, timeMs: piece.timeMs + start }));
        const length = timings.reduce((total, timing) => total + timing.bytes, 0);
        const output = Uint8Array.from({ length }, (_, index) => index % 251);
        const decoded = decodeOutput(start, encodeOutput(start, timings, output));
        assert.deepEqual(decoded, { timings, output });
      },
    ),
  );
});

test('resizes and exits read back', () => {
  const size = { columns: 1000, rows: 1 };
  assert.deepEqual(decodeResize(encodeResize(size)), size);
  for (const exit of [
    { exitCode: 0, signal: null },
    { exitCode: 255, signal: null },
    { exitCode: null, signal: 'SIGKILL' },
    { exitCode: null, signal: null },
  ]) {
    assert.deepEqual(decodeExit(encodeExit(exit)), exit);
  }
});

test('no decoder throws at hostile bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeChunkHead(bytes);
      decodeRecordingHeader(bytes);
      decodeOutput(0, bytes);
      decodeResize(bytes);
      decodeExit(bytes);
    }),
  );
  const head = { sequence: 0, offset: 0, timeMs: 0, plaintextBytes: 4, ephemeralKey: new Uint8Array(32) };
  assert.equal(decodeChunkHead(encodeChunkHead({ ...head, kind: chunkKinds.resize, outputBytes: 1 })), undefined);
  assert.equal(
    decodeChunkHead(encodeChunkHead({ ...head, kind: chunkKinds.output, outputBytes: maximumChunkOutputBytes + 1 })),
    undefined,
  );
});
