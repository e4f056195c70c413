import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownMethod } from '#channel/unknown-method.ts';
import type { Stall } from '#contract/keeper.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import { stallNotice } from '#terminals/stall-notice.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';
import { terminalOutput } from '#terminals/terminal-output.ts';

const steps: readonly { readonly stall: Stall | null; readonly bytes: string }[] = [
  { stall: null, bytes: 'a' },
  { stall: 'budget', bytes: '' },
  { stall: 'budget', bytes: 'b' },
  { stall: null, bytes: 'c' },
];

async function shownBy(keeper: object): Promise<{ text: string; told: (Stall | null)[] }> {
  const told: (Stall | null)[] = [];
  const output = terminalOutput(
    { keeper } as unknown as TerminalContext,
    { terminalId: 't' } as unknown as TerminalKey,
    {} as TenantScope,
    0,
    new AbortController().signal,
    (stall) => told.push(stall),
  );
  let text = '';
  for await (const { bytes } of output) text += Buffer.from(bytes).toString();
  return { text, told };
}

test('H16 a viewer is told once why a program waits, and once that it goes on', async () => {
  async function* items() {
    for (const [offset, { stall, bytes }] of steps.entries()) {
      yield { header: { offset, stall }, payload: Buffer.from(bytes) };
    }
  }
  const keeper = { open: () => ({ items: items(), done: Promise.resolve(), [Symbol.dispose]() {} }) };
  assert.deepEqual(await shownBy(keeper), { text: 'abc', told: ['budget', null] });
  assert.match(stallNotice('budget').message, /nothing is lost/);
  assert.equal(stallNotice(null).code, 'resumed');
});

test('a keeper of an earlier release, which cannot be followed, is asked again and again', async () => {
  const known: unknown[] = [];
  let at = 0;
  const keeper = {
    open() {
      throw unknownMethod();
    },
    async call(_method: string, { stall, offset }: { readonly stall: Stall | null; readonly offset: number }) {
      known.push(stall);
      const { bytes, stall: now } = steps[at] ?? { bytes: '', stall: null };
      const ended = at++ === steps.length;
      return { reply: { offset, end: offset, ended, stall: now }, payload: Buffer.from(bytes) };
    },
  };
  assert.deepEqual(await shownBy(keeper), { text: 'abc', told: ['budget', null] });
  // What the reader knows goes with each question, so that a change is answered at once.
  assert.deepEqual(known, [null, null, 'budget', 'budget', null]);
});
