import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { journalGenesis } from '#contract/journal.ts';
import { openJournal } from '#journal/journal.ts';
import { journalHash } from '#journal/segment.ts';

async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'journal-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

const all = { after: 0, limit: 1000, waitMs: 0 };

test('records are chained and survive reopening', async (t) => {
  const directory = await directoryFor(t);
  {
    using journal = await openJournal({ directory });
    journal.append('a.b', { host: 'x' });
    journal.append('a.b', { host: 'y' });
  }
  using journal = await openJournal({ directory });
  journal.append('a.b', { host: 'z' });
  const { first, records } = await journal.read(all);
  assert.equal(first, 1);
  let previous = journalGenesis;
  for (const [index, record] of records.entries()) {
    assert.equal(record.sequence, index + 1);
    assert.equal(record.previous, previous);
    assert.equal(record.hash, journalHash(record));
    previous = record.hash;
  }
  assert.equal(records.length, 3);
});

test('a torn last line is cut off and the chain goes on before it', async (t) => {
  const directory = await directoryFor(t);
  {
    using journal = await openJournal({ directory });
    journal.append('a.b', { n: 1 });
  }
  const [name] = await readdir(directory);
  await appendFile(path.join(directory, name as string), '{"sequence":2,"ti');
  using journal = await openJournal({ directory });
  assert.equal(journal.append('a.b', { n: 2 }).sequence, 2);
  assert.equal((await journal.read(all)).records.length, 2);
});

test('H8 a full journal refuses, and takes records again once they are acknowledged', async (t) => {
  using journal = await openJournal({ directory: await directoryFor(t), maximumBytes: 2_200_000 });
  const data = { text: 'x'.repeat(10_000) };
  let count = 0;
  assert.throws(
    () => {
      for (;;) {
        journal.append('a.b', data);
        count += 1;
      }
    },
    { code: 'no_space' },
  );
  assert.ok(count > 200, `only ${count} records fitted`);
  await journal.read({ after: count, limit: 1, waitMs: 0 });
  assert.equal(journal.append('a.b', data).sequence, count + 1);
  assert.ok((await journal.read({ after: count, limit: 1, waitMs: 0 })).first > 1);
});

test('a reader waits for the next record and is woken by it', async (t) => {
  using journal = await openJournal({ directory: await directoryFor(t) });
  const pending = journal.read({ after: 0, limit: 10, waitMs: 5000 });
  journal.append('a.b', {});
  assert.equal((await pending).records.length, 1);
  assert.equal((await journal.read({ after: 1, limit: 10, waitMs: 20 })).records.length, 0);
});

test('nothing acknowledged is lost when the writer is killed at a random moment', async (t) => {
  const directory = await directoryFor(t);
  const program = `
    import { openJournal } from '#journal/journal.ts';
    import { writeSync } from 'node:fs';
    const journal = await openJournal({ directory: process.argv[1] });
    for (;;) writeSync(1, journal.append('a.b', { n: 1 }).sequence + '\\n');
  `;
  for (let round = 0; round < 3; round += 1) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: path.resolve(import.meta.dirname, '../..'),
    });
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += String(bytes);
      if (output.length > 2000 * (round + 1)) child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.once('close', resolve));
    const acknowledged = Number(output.trimEnd().split('\n').at(-2));
    using journal = await openJournal({ directory });
    const { records } = await journal.read({ after: acknowledged - 1, limit: 5, waitMs: 0 });
    assert.equal(records[0]?.sequence, acknowledged);
  }
});
