import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openJournal } from '#journal/journal.ts';

/** Takes every block that is left. */
function fill(file: string): void {
  const descriptor = openSync(file, 'a');
  try {
    for (const bytes of [65_536, 4096]) {
      assert.throws(
        () => {
          for (;;)
            if (writeSync(descriptor, Buffer.alloc(bytes)) < bytes)
              throw Object.assign(new Error(), { code: 'ENOSPC' });
        },
        { code: 'ENOSPC' },
      );
    }
  } finally {
    closeSync(descriptor);
  }
}

for (const kind of ['tmpfs', 'ext4'] as const) {
  test(`H8 a disk that others fill keeps no record out that has room in the journal (${kind})`, async (t) => {
    if (process.getuid?.() !== 0) return t.skip('a file system of its own for the journal needs root');
    const directory = mkdtempSync(join(tmpdir(), 'casemate-journal-disk-'));
    const image = `${directory}.img`;
    t.after(() => {
      spawnSync('umount', ['-l', directory]);
      rmSync(directory, { recursive: true, force: true });
      rmSync(image, { force: true });
    });
    if (kind === 'ext4') {
      assert.equal(spawnSync('truncate', ['-s', '16M', image]).status, 0);
      assert.equal(spawnSync('mkfs.ext4', ['-q', '-m', '0', image]).status, 0);
    }
    const options = kind === 'ext4' ? ['-o', 'loop', image] : ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs'];
    const mounted = spawnSync('mount', [...options, directory], { encoding: 'utf8' });
    assert.equal(mounted.status, 0, mounted.stderr);

    const place = { directory: join(directory, 'journal'), maximumBytes: 3 * 1_048_576 };
    const data = { text: 'x'.repeat(10_000) };
    let last = 0;
    {
      using journal = await openJournal(place);
      fill(join(directory, 'ballast'));
      for (let n = 0; n < 150; n += 1) last = journal.append('a.b', data).sequence;
    }
    using journal = await openJournal(place);
    assert.throws(
      () => {
        for (;;) last = journal.append('a.b', data).sequence;
      },
      { code: 'no_space' },
    );
    assert.ok(last >= 300, `${last} records fitted`);
    assert.equal((await journal.read({ after: 0, limit: 1000, waitMs: 0 })).records.length, last);
    await journal.read({ after: last, limit: 1, waitMs: 0 });
    assert.equal(journal.append('a.b', data).sequence, last + 1);
  });
}
