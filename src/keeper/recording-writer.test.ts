import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { TeamId, TerminalId } from '#base/ids.ts';
import { chunkKinds, recordingHeaderBytes } from '#contract/recording.ts';
import { encodeOutput } from '#contract/recording-plaintext.ts';
import { createGate } from '#keeper/gate.ts';
import { createRecording, type PlainChunk, type RecordingWriter, resumeRecording } from '#keeper/recording-writer.ts';
import { generateBoxKeyPair } from '#seal/box.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'casemate-writer-'));
test.after(() => rmSync(directory, { recursive: true }));
const where = (name: string) => ({
  file: path.join(directory, name),
  disk: createGate(2),
  onSyncFailure: (error: unknown) => assert.fail(String(error)),
});
const header = () => ({
  terminalId: 'a'.repeat(20) as TerminalId,
  teamId: 'b'.repeat(20) as TeamId,
  publicKey: generateBoxKeyPair().publicKey,
  createdMs: 1,
});
const output = (offset: number, text: string): PlainChunk => ({
  kind: chunkKinds.output,
  offset,
  outputBytes: text.length,
  timeMs: 5,
  plaintext: encodeOutput(5, [{ timeMs: 5, bytes: text.length }], Buffer.from(text)),
});
async function append(writer: RecordingWriter, ...chunks: PlainChunk[]): Promise<void> {
  writer.prepare(chunks);
  await writer.flush();
}

test('wherever kill -9 cuts the last chunk, the next keeper takes up after the last whole one', async () => {
  const place = where('cut.rec');
  const writer = createRecording(place, header());
  await append(writer, output(0, 'one'));
  const whole = readFileSync(place.file);
  await append(writer, output(3, 'two and more'));
  await writer.close();
  const both = readFileSync(place.file);
  for (let length = whole.length; length < both.length; length += 1) {
    writeFileSync(place.file, both.subarray(0, length));
    const resumed = resumeRecording(place);
    assert.equal(resumed.offset, 3);
    assert.equal(resumed.cutBytes, length - whole.length);
    await resumed.close();
    assert.deepEqual(readFileSync(place.file), whole);
  }
});

test('a resumed recording goes on in the same chain', async () => {
  const place = where('chain.rec');
  const first = createRecording(place, header());
  await append(first, output(0, 'one'), { ...output(3, ''), kind: chunkKinds.resize, plaintext: new Uint8Array(4) });
  await first.close();
  const second = resumeRecording(place);
  assert.deepEqual([second.offset, second.marks, second.cutBytes], [3, 1, 0]);
  await append(second, output(3, 'two'));
  await second.close();
  const third = resumeRecording(place);
  assert.deepEqual([third.offset, third.marks], [6, 1]);
  await third.close();
});

test('a damaged recording is refused and left as it is, since evidence is never cut off', async () => {
  const place = where('damaged.rec');
  const writer = createRecording(place, header());
  await append(writer, output(0, 'one'), output(3, 'two'));
  await writer.close();
  const bytes = readFileSync(place.file);
  bytes[recordingHeaderBytes] = 0;
  writeFileSync(place.file, bytes);
  assert.throws(() => resumeRecording(place), /damaged at byte 88/);
  assert.deepEqual(readFileSync(place.file), bytes);
  truncateSync(place.file, 10);
  assert.throws(() => resumeRecording(place), /no header/);
});

test('an existing recording is never replaced', async () => {
  const place = where('twice.rec');
  await createRecording(place, header()).close();
  assert.throws(() => createRecording(place, header()), { code: 'EEXIST' });
  assert.equal(readFileSync(place.file).length, recordingHeaderBytes);
});
