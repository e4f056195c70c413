import assert from 'node:assert/strict';
import test from 'node:test';
import { numberedTests } from './numbered-tests.ts';

test('numbered tests are found as strings, templates and steps, and below numbered suites', () => {
  const source = [
    "test('H4 a process cannot', () => {});",
    "test('H4', () => {}); test('four H4 times', () => {});",
    "for (const kind of ['a']) it(`H7 killing the ${kind} loses nothing`, () => {});",
    "describe('H6 files', () => { it('H6 stay inside', () => {}); it('are few', () => {}); it('H8 are written', () => {}); });",
    "describe('H5 alone is a suite', () => {}); describe('plain', () => { it('plain', () => {}); });",
    "test('plain', async (t) => { await t.test('H1 a step', () => {}); });",
  ].join('\n');
  assert.deepEqual(
    numberedTests('a.test.ts', source).map(({ item, name }) => `${item} ${name}`),
    [
      '4 a process cannot',
      '7 killing the … loses nothing',
      '6 files: stay inside',
      '6 files: are few',
      '8 are written',
      '1 a step',
    ],
  );
});
