import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stall } from '#contract/keeper.ts';
import type { TenantScope } from '#database/tenant-scope.ts';
import { stallNotice } from '#terminals/stall-notice.ts';
import type { TerminalContext, TerminalKey } from '#terminals/terminal-context.ts';
import { terminalOutput } from '#terminals/terminal-output.ts';

test('H16 a viewer is told once why a program waits, and once that it goes on', async () => {
  const replies: readonly { readonly stall: Stall | null; readonly bytes: string; readonly ended?: true }[] = [
    { stall: null, bytes: 'a' },
    { stall: 'budget', bytes: '' },
    { stall: 'budget', bytes: 'b' },
    { stall: null, bytes: 'c' },
    { stall: null, bytes: '', ended: true },
  ];
  const known: unknown[] = [];
  let at = 0;
  const keeper = {
    async call(_method: string, { stall, offset }: { readonly stall: Stall | null; readonly offset: number }) {
      known.push(stall);
      const { bytes, ended, stall: now } = replies[at++] ?? assert.fail('one call too many');
      return { reply: { offset, end: offset, ended: ended ?? false, stall: now }, payload: Buffer.from(bytes) };
    },
  };
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
  assert.equal(text, 'abc');
  assert.deepEqual(told, ['budget', null]);
  // What the reader knows goes with each question, so that a change is answered at once.
  assert.deepEqual(known, [null, null, 'budget', 'budget', null]);
  assert.match(stallNotice('budget').message, /nothing is lost/);
  assert.equal(stallNotice(null).code, 'resumed');
});
