import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseGitProgress, ProgressLines } from '#workspaces/git-progress.ts';

test('what git says becomes phases and percentages', () => {
  const parse = (line: string) => {
    const progress = parseGitProgress(line);
    return progress && [progress.phase, progress.percent];
  };
  assert.deepEqual(parse('remote: Counting objects:  10% (1/10)'), ['Counting objects', 10]);
  assert.deepEqual(parse('Receiving objects:  45% (450/1000), 1.2 MiB | 300 KiB/s'), ['Receiving objects', 45]);
  assert.deepEqual(parse('Resolving deltas: 100% (3/3), done.'), ['Resolving deltas', 100]);
  assert.deepEqual(parse("Cloning into 'workspace'..."), ['Message', null]);
  assert.equal(parse('  \u001b[K '), null);
});

test('a hostile remote can send neither control characters nor a long line', () => {
  const hostile = `remote: \u001b[2J\u001b]0;title\u0007\u202eevil\u0000${'x'.repeat(10_000)}`;
  const line = parseGitProgress(hostile)?.line ?? '';
  assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e]/);
  assert.ok(line.length <= 240);
});

test('lines come out the same however their bytes were cut', () => {
  const text = 'Größe: 1%\rGröße: 2%\r\nlast';
  const cuts = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(cuts, (sizes) => {
      const lines = new ProgressLines();
      const bytes = Buffer.from(text);
      const found: string[] = [];
      let at = 0;
      for (let turn = 0; at < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        found.push(...lines.push(bytes.subarray(at, at + size)));
        at += size;
      }
      found.push(...lines.end());
      assert.deepEqual(found, ['Größe: 1%', 'Größe: 2%', 'last']);
    }),
  );
});
