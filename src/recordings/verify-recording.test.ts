import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import type { TeamId, TerminalId } from '#base/ids.ts';
import { chunkKinds } from '#contract/recording.ts';
import { encodeRecordingHeader } from '#contract/recording-head.ts';
import { encodeExit, encodeOutput, encodeResize } from '#contract/recording-plaintext.ts';
import { readRecording } from '#recordings/read-recording.ts';
import { verifyRecording } from '#recordings/verify-recording.ts';
import { generateBoxKeyPair } from '#seal/box.ts';
import { createChunkSealer } from '#seal/chunk.ts';

const keys = generateBoxKeyPair();
const directory = mkdtempSync(path.join(os.tmpdir(), 'casemate-recordings-'));
test.after(() => rmSync(directory, { recursive: true }));

/** A recording as the keeper writes it, whole chunk by whole chunk, after its header. */
function makeRecording(pieces: readonly Uint8Array[], publicKey: Buffer = keys.publicKey): Buffer[] {
  const header = Buffer.from(
    encodeRecordingHeader({
      terminalId: 'a'.repeat(20) as TerminalId,
      teamId: 'b'.repeat(20) as TeamId,
      publicKey,
      createdMs: 1_800_000_000_000,
    }),
  );
  const seal = createChunkSealer(publicKey);
  const parts = [header];
  let previous = createHash('sha256').update(header).digest();
  let offset = 0;
  let sequence = 0;
  const add = (kind: 1 | 2 | 3, plaintext: Uint8Array, outputBytes: number): void => {
    const fields = { kind, sequence, offset, outputBytes, timeMs: 1_800_000_000_000 + sequence };
    const { head, ciphertext, tag } = seal(fields, plaintext);
    previous = createHash('sha256').update(previous).update(head).update(ciphertext).update(tag).digest();
    parts.push(Buffer.concat([head, ciphertext, tag, previous]));
    sequence += 1;
    offset += outputBytes;
  };
  add(chunkKinds.resize, encodeResize({ columns: 80, rows: 24 }), 0);
  for (const piece of pieces) {
    const timings = [{ timeMs: 1_800_000_000_000 + sequence + 5, bytes: piece.length }];
    add(chunkKinds.output, encodeOutput(1_800_000_000_000 + sequence, timings, piece), piece.length);
  }
  add(chunkKinds.exit, encodeExit({ exitCode: null, signal: 'SIGKILL' }), 0);
  return parts;
}

function store(parts: readonly Uint8Array[]): string {
  const file = path.join(directory, 'one.rec');
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

const pieces = ['first ', 'second ', 'third ', 'fourth'].map((text) => Buffer.from(text));
const positionOf = (parts: readonly Buffer[], part: number): number =>
  parts.slice(0, part).reduce((total, each) => total + each.length, 0);

test('a whole recording verifies without a key, and its head can be an anchor later', async () => {
  const parts = makeRecording(pieces);
  const verdict = await verifyRecording(store(parts));
  assert.equal(verdict.broken, undefined);
  assert.equal(verdict.finished, true);
  assert.equal(verdict.outputBytes, 25);
  assert.equal(verdict.head.chunks, 6);
  assert.equal((await verifyRecording(store(parts), verdict.head)).broken, undefined);
});

test('the verifier finds a flipped bit wherever it is, and names a place at or before it', async () => {
  const parts = makeRecording(pieces);
  const whole = Buffer.concat(parts);
  for (let position = 0; position < whole.length; position += 1) {
    const changed = Buffer.from(whole);
    changed[position] = (changed[position] ?? 0) ^ (1 << (position % 8));
    const { broken } = await verifyRecording(store([changed]));
    assert.ok(broken, `the flip at ${position} was not found`);
    assert.ok(
      broken.position <= position || broken.position <= positionOf(parts, 1),
      `${position}: ${broken.position}`,
    );
  }
});

const tampered: { name: string; change: (parts: Buffer[]) => Buffer[]; fault: string; chunk: number }[] = [
  { name: 'a dropped chunk', change: (p) => p.toSpliced(3, 1), fault: 'wrong-sequence', chunk: 3 },
  {
    name: 'two swapped chunks',
    change: (p) => p.with(2, p[3] as Buffer).with(3, p[2] as Buffer),
    fault: 'wrong-sequence',
    chunk: 2,
  },
  { name: 'a doubled chunk', change: (p) => p.toSpliced(3, 0, p[2] as Buffer), fault: 'wrong-sequence', chunk: 3 },
  {
    name: 'a chunk of another recording',
    change: (p) => p.with(3, makeRecording(pieces)[3] as Buffer),
    fault: 'wrong-hash',
    chunk: 3,
  },
  {
    name: 'the end of another recording',
    change: (p) => [...p.slice(0, 4), ...makeRecording(pieces).slice(4)],
    fault: 'wrong-hash',
    chunk: 4,
  },
  {
    name: 'a foreign header',
    change: (p) => p.with(0, makeRecording(pieces, generateBoxKeyPair().publicKey)[0] as Buffer),
    fault: 'wrong-hash',
    chunk: 1,
  },
  { name: 'a cut last chunk', change: (p) => p.with(6, (p[6] as Buffer).subarray(0, -1)), fault: 'cut', chunk: 6 },
  { name: 'a cut head', change: (p) => p.with(6, (p[6] as Buffer).subarray(0, 3)), fault: 'cut', chunk: 6 },
  { name: 'garbage behind the end', change: (p) => [...p, Buffer.alloc(200)], fault: 'not-a-chunk', chunk: 7 },
  {
    name: 'garbage in the middle',
    change: (p) => p.toSpliced(2, 0, Buffer.alloc(100, 7)),
    fault: 'not-a-chunk',
    chunk: 2,
  },
  { name: 'no header', change: (p) => p.slice(1), fault: 'no-header', chunk: 0 },
];
for (const { name, change, fault, chunk } of tampered) {
  test(`the verifier names ${name}: byte position, sequence and what is wrong`, async () => {
    const parts = makeRecording(pieces);
    const { broken } = await verifyRecording(store(change(parts)));
    assert.equal(broken?.fault, fault);
    assert.equal(broken.position, positionOf(parts, chunk));
    assert.equal(broken.sequence, Math.max(chunk - 1, 0));
  });
}

test('whole chunks removed from the end are found through the anchor, and leave a recording unfinished', async () => {
  const parts = makeRecording(pieces);
  const { head } = await verifyRecording(store(parts));
  const shorter = store(parts.slice(0, -2));
  const alone = await verifyRecording(shorter);
  assert.equal(alone.broken, undefined);
  assert.equal(alone.finished, false);
  assert.equal((await verifyRecording(shorter, head)).broken?.fault, 'wrong-head');
  const other = store(makeRecording(pieces));
  assert.equal((await verifyRecording(other, head)).broken?.fault, 'wrong-head');
});

test('any split of a byte stream into chunks reads back as the same stream, and any range of it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 }),
      fc.nat(2500),
      fc.nat(2500),
      async (split, one, other) => {
        const stream = Buffer.concat(split);
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const file = store(makeRecording(split));
        for (const [start, end] of [
          [0, Number.MAX_SAFE_INTEGER],
          [from, to],
        ] as const) {
          const read: Uint8Array[] = [];
          for await (const event of readRecording(file, { privateKey: keys.privateKey, from: start, to: end })) {
            if (event.kind !== 'output') continue;
            assert.equal(event.offset, start + Buffer.concat(read).length);
            assert.equal(
              event.timings.reduce((total, timing) => total + timing.bytes, 0),
              event.bytes.length,
            );
            read.push(Uint8Array.from(event.bytes));
          }
          assert.deepEqual(Buffer.concat(read), stream.subarray(start, end));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a recording that grows is read up to its last whole chunk; a changed or foreign one is refused', async () => {
  const parts = makeRecording(pieces);
  const count = async (file: string, privateKey = keys.privateKey): Promise<number> => {
    let events = 0;
    for await (const _ of readRecording(file, { privateKey })) events += 1;
    return events;
  };
  assert.equal(await count(store(parts)), 6);
  assert.equal(await count(store([...parts.slice(0, 4), (parts[4] as Buffer).subarray(0, 50)])), 3);
  await assert.rejects(count(store(parts), generateBoxKeyPair().privateKey), { name: 'RecordingUnreadable' });
  await assert.rejects(count(store(parts.toSpliced(3, 1))), {
    name: 'RecordingUnreadable',
    position: positionOf(parts, 3),
  });
  const changed = Buffer.from(parts[3] as Buffer);
  changed[80] = (changed[80] ?? 0) ^ 1;
  await assert.rejects(count(store(parts.with(3, changed))), {
    name: 'RecordingUnreadable',
    position: positionOf(parts, 3),
  });
});
