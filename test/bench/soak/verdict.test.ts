import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample } from './sample.ts';
import { judge } from './verdict.ts';

const series = 'server: memory, MB';

function samples(memory: (at: number) => number, life: (at: number) => number = () => 1): Sample[] {
  return Array.from({ length: 60 }, (_, at) => ({
    second: at * 15,
    figures: new Map([[series, memory(at)]]),
    lives: new Map([[series, life(at)]]),
  }));
}

const flat = (of: Sample[]): boolean | undefined => judge(of, 0, [])[0]?.flat;

test('a series that rises is found, and one that only swings is flat', () => {
  assert.equal(flat(samples((at) => 60 + at * 0.5)), false);
  assert.equal(flat(samples((at) => 60 + (at % 7) * 2)), true);
});

test('a process that was started again is judged by its longest life', () => {
  const restarted = samples(
    (at) => (at < 10 ? 200 + at * 10 : 60),
    (at) => (at < 10 ? 1 : 2),
  );
  assert.equal(flat(restarted), true);
});
