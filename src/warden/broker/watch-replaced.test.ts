import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { watchReplaced } from '#warden/broker/watch-replaced.ts';

test('a file that was replaced by another text is told, once, and neither the same text nor a rewrite is', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'casemate-watch-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'resolv.conf');
  const replace = (text: string): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  writeFileSync(file, 'nameserver 192.0.2.1\n');
  // As the broker's mount does: the number of the first file is not given to another.
  const held = openSync(file, 'r');
  t.after(() => closeSync(held));
  let told = 0;
  using _watch = watchReplaced([file], () => (told += 1), 20);
  await wait(60);
  writeFileSync(file, 'nameserver 192.0.2.2\n');
  await wait(120);
  replace('nameserver 192.0.2.2\n');
  await wait(120);
  assert.equal(told, 0);
  replace('nameserver 192.0.2.3\n');
  for (let waited = 0; told === 0 && waited < 5000; waited += 20) await wait(20);
  assert.equal(told, 1);
});
