import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
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
  const file = path.join(directory, '0000000000000001.jsonl');
  const written = (await readFile(file)).indexOf(0);
  const handle = await open(file, 'r+');
  await handle.write('{"sequence":2,"ti', written);
  await handle.close();
  {
    using journal = await openJournal({ directory });
    assert.equal((await readFile(file)).indexOf(0), written);
    assert.equal(journal.append('a.b', { n: 2 }).sequence, 2);
    assert.equal((await journal.read(all)).records.length, 2);
  }
  assert.equal((await readFile(file)).length, 1_048_576);
});

test('H8 what an earlier use left in a file, after a power cut, is no record', async (t) => {
  const directory = await directoryFor(t);
  const file = path.join(directory, '0000000000000001.jsonl');
  {
    using journal = await openJournal({ directory });
    for (let n = 1; n <= 4; n += 1) journal.append('a.b', { n });
  }
  const lines = (await readFile(file, 'utf8')).split('\n');
  const old = lines.slice(0, 3).map((line) => `${line}\n`);
  // The first record of the new use is in its place, and the zeros behind it never reached the disk.
  const fields = { sequence: 9, time: 0, kind: 'a.b', data: {}, previous: journalGenesis };
  const content = Buffer.alloc(1_048_576);
  content.write(`${JSON.stringify({ ...fields, hash: journalHash(fields) })}\n${old.join('')}`);
  await rm(file);
  await writeFile(path.join(directory, '0000000000000009.jsonl'), content);
  using journal = await openJournal({ directory });
  assert.equal(journal.append('a.b', {}).sequence, 10);
  assert.deepEqual(
    (await journal.read({ ...all, after: 8 })).records.map(({ sequence }) => sequence),
    [9, 10],
  );
});

test('H8 a journal takes all of its room beforehand, and what is acknowledged goes back to it', async (t) => {
  const directory = await directoryFor(t);
  const sizes = async (): Promise<number[]> =>
    Promise.all((await readdir(directory)).map(async (name) => (await stat(path.join(directory, name))).blocks * 512));
  using journal = await openJournal({ directory, maximumBytes: 3 * 1_048_576 });
  const taken = async (): Promise<boolean> => {
    const all = await sizes();
    return all.length === 3 && all.every((bytes) => bytes >= 1_048_576);
  };
  assert.ok(await taken());
  for (let round = 0; round < 3; round += 1) {
    let last = 0;
    for (let n = 0; n < 150; n += 1) last = journal.append('a.b', { text: 'x'.repeat(10_000) }).sequence;
    assert.ok(await taken());
    await journal.read({ after: last, limit: 1, waitMs: 0 });
    assert.ok(await taken());
  }
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
