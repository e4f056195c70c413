import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { frameKinds, maximumFrameBytes } from '#contract/channel.ts';
import { decodeHeaded, encodeFrame, encodeHeaded, FrameError, FrameReader } from '#channel/frame.ts';

test('frames survive any split of the byte stream', () => {
  const frame = fc.record({
    kind: fc.constantFrom(...Object.values(frameKinds)),
    call: fc.integer({ min: 0, max: 0xffff_ffff }),
    body: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames.flatMap(({ kind, call, body }) => encodeFrame(kind, call, [body])));
        const reader = new FrameReader();
        const seen = [];
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const length = cuts[cut % cuts.length] as number;
          seen.push(...reader.push(bytes.subarray(at, at + length)));
          at += length;
        }
        assert.deepEqual(
          seen.map(({ kind, call, body }) => ({ kind, call, body: [...body] })),
          frames.map(({ kind, call, body }) => ({ kind, call, body: [...body] })),
        );
      },
    ),
  );
});

test('arbitrary bytes give frames or a FrameError, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        for (const frame of new FrameReader().push(Buffer.from(bytes))) decodeHeaded(frame.body);
      } catch (error) {
        assert.ok(error instanceof FrameError);
      }
    }),
  );
});

test('a length out of range and an unknown kind are refused before their body is awaited', () => {
  const head = (length: number, kind: number): Buffer => {
    const bytes = Buffer.alloc(9);
    bytes.writeUInt32BE(length, 0);
    bytes.writeUInt8(kind, 4);
    return bytes;
  };
  assert.throws(() => new FrameReader().push(head(maximumFrameBytes + 1, 1)), FrameError);
  assert.throws(() => new FrameReader().push(head(4, 1)), FrameError);
  assert.throws(() => new FrameReader().push(head(100, 99)), FrameError);
  assert.throws(() => decodeHeaded(Buffer.concat(encodeHeaded({ a: 1 })).subarray(0, 6)), FrameError);
});
