import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLogFile } from '#main/up/log-file.ts';
import { rotateLogs } from '#main/up/rotate-logs.ts';

const maximumBytes = 262_144;

/** A process that holds its log open from before the first rotation until after the last, and appends numbered lines. */
async function write(directory: string, lines: number, pauseEvery: number): Promise<void> {
  using log = openLogFile(directory, 'writer');
  const script = `
    const { writeSync } = require('node:fs');
    for (let number = 1; number <= ${lines}; number += 1) {
      writeSync(1, JSON.stringify({ number, filler: 'x'.repeat(80) }) + '\\n');
      if (number % ${pauseEvery} === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', log.fd, 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
}

const ofWriter = (directory: string): string[] =>
  readdirSync(directory).toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));

test('no line is lost over 20 rotations with a writer at work', async (t) => {
  const directory = mkdtempSync('/var/tmp/casemate-logs-');
  t.after(() => rmSync(directory, { recursive: true }));
  const failures: unknown[] = [];
  using _rotation = rotateLogs(directory, (error) => failures.push(error), { maximumBytes, kept: 60 });
  await write(directory, 75_000, 1200);
  await delay(300);
  const files = ofWriter(directory);
  assert.ok(files.length > 20, `${files.length} files`);
  // The oldest has the highest number, and the log itself has none.
  const text = files.map((file) => readFileSync(join(directory, file), 'utf8').replaceAll('\0', '')).join('');
  const numbers = text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { number: number }).number);
  assert.deepEqual(
    numbers,
    Array.from({ length: 75_000 }, (_, index) => index + 1),
  );
  assert.deepEqual(failures, []);
});
test('H16 a flood of log lines does not fill the disk', async (t) => {
  const directory = mkdtempSync('/var/tmp/casemate-logs-');
  t.after(() => rmSync(directory, { recursive: true }));
  const failures: unknown[] = [];
  using _rotation = rotateLogs(directory, (error) => failures.push(error), { maximumBytes, kept: 3 });
  const writing = write(directory, 100_000, 2000);
  let most = 0;
  let done = false;
  void writing.finally(() => {
    done = true;
  });
  while (!done) {
    const used = readdirSync(directory).map(
      (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.blocks ?? 0,
    );
    most = Math.max(
      most,
      used.reduce((sum, blocks) => sum + blocks * 512, 0),
    );
    await delay(20);
  }
  await writing;
  await delay(300);
  assert.deepEqual(ofWriter(directory).toSorted(), ['writer.log', 'writer.log.1', 'writer.log.2', 'writer.log.3']);
  assert.ok(statSync(join(directory, 'writer.log')).size <= maximumBytes + 4096);
  // 10 MiB were written; what came in between two looks is all that may be on top.
  t.diagnostic(`at most ${most} bytes`);
  assert.ok(most < 5 * 1_048_576, `${most}`);
  assert.deepEqual(failures, []);
});
