import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, noProgress } from './clone-progress.ts';

test('lines that count on replace each other, other lines are added', () => {
  let progress = advance(noProgress, { phase: 'Counting', percent: null, line: 'Cloning into .' });
  progress = advance(progress, { phase: 'Receiving objects', percent: 10, line: 'Receiving objects:  10% (1/10)' });
  progress = advance(progress, { phase: 'Receiving objects', percent: 60, line: 'Receiving objects:  60% (6/10)' });
  progress = advance(progress, { phase: 'Resolving deltas', percent: 5, line: 'Resolving deltas:   5% (1/20)' });
  assert.deepEqual(progress.lines, [
    'Cloning into .',
    'Receiving objects:  60% (6/10)',
    'Resolving deltas:   5% (1/20)',
  ]);
  assert.equal(progress.percent, 5);
});

test('the log is bounded', () => {
  let progress = noProgress;
  for (let count = 0; count < 1000; count++)
    progress = advance(progress, { phase: 'x', percent: null, line: `l${count}x` });
  assert.equal(progress.lines.length, 400);
  assert.equal(progress.lines.at(-1), 'l999x');
});
