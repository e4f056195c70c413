import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { unknownMethod } from '#channel/unknown-method.ts';
import { CasemateError } from '#contract/errors.ts';
import { createInputWriter } from '#terminals/input-writer.ts';
import type { Keeper, TerminalKey } from '#terminals/terminal-context.ts';

const key = { terminalId: 't' } as unknown as TerminalKey;
const never = (error: CasemateError): void => assert.fail(error);

/** A call that takes items until `fail`. */
function streamCall() {
  const sent: string[] = [];
  const answers: number[] = [];
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  let wake = Promise.withResolvers<void>();
  async function* items() {
    for (;;) {
      const bytes = answers.shift();
      if (bytes === undefined) await Promise.race([wake.promise, failure.promise]);
      else yield { header: { bytes } };
    }
  }
  const cancel = (): void => failure.reject(new CasemateError('cancelled'));
  return {
    sent,
    take(bytes: number) {
      answers.push(bytes);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    fail: (error: Error) => failure.reject(error),
    call: {
      items: items(),
      done: failure.promise,
      async send(_header: object, payload: Uint8Array) {
        sent.push(Buffer.from(payload).toString());
      },
      cancel,
      [Symbol.dispose]: cancel,
    },
  };
}

test('what the keeper did not tell to be taken goes to the keeper after it, in order and once', async () => {
  const calls = [streamCall(), streamCall()];
  let opened = 0;
  const keeper = { open: () => calls[opened++]?.call } as unknown as Keeper;
  const stop = new AbortController();
  const writer = createInputWriter(keeper, key, stop.signal, never);
  for (const text of ['one', 'two', 'three']) writer.write(Buffer.from(text));
  await turn();
  assert.deepEqual(calls[0]?.sent, ['one', 'two', 'three']);
  calls[0]?.take(3);
  await turn();
  calls[0]?.fail(new CasemateError('unavailable'));
  while (opened < 2) await turn();
  writer.write(Buffer.from('four'));
  await turn();
  assert.deepEqual(calls[1]?.sent, ['two', 'three', 'four']);
  stop.abort();
  calls[1]?.call.cancel();
});

test('a keeper of an earlier release is handed one piece a call', async () => {
  const taken: string[] = [];
  const keeper = {
    open() {
      throw unknownMethod();
    },
    async call(method: string, _one: object, { payload }: { payload: Uint8Array }) {
      assert.equal(method, 'terminal.input');
      taken.push(Buffer.from(payload).toString());
    },
  } as unknown as Keeper;
  const stop = new AbortController();
  const writer = createInputWriter(keeper, key, stop.signal, never);
  writer.write(Buffer.from('a'));
  writer.write(Buffer.from('b'));
  while (taken.length < 2) await turn();
  assert.deepEqual(taken, ['a', 'b']);
  stop.abort();
});

test('input that nobody takes holds the viewer back, and is given up with a word when the terminal is gone', async () => {
  const stream = streamCall();
  const lost: string[] = [];
  const keeper = { open: () => stream.call } as unknown as Keeper;
  const stop = new AbortController();
  const writer = createInputWriter(keeper, key, stop.signal, ({ code }) => lost.push(code));
  writer.write(new Uint8Array(262_144));
  assert.equal(writer.full, true);
  const room = writer.room();
  stream.fail(new CasemateError('gone'));
  await room;
  assert.deepEqual([writer.full, lost], [false, ['gone']]);
  stop.abort();
});
