import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { backOffMs, type Startable, supervise } from '#main/up/supervised.ts';

function make(start: () => Promise<Startable>) {
  const pauses: number[] = [];
  const said: string[] = [];
  const supervised = supervise({
    name: 'thing',
    start,
    say: (text) => said.push(text),
    changed: () => undefined,
    pause: (milliseconds) => {
      pauses.push(milliseconds);
      return Promise.resolve();
    },
  });
  return { supervised, pauses, said };
}

const settled = async (): Promise<void> => {
  for (let count = 0; count < 50; count += 1) await turn();
};

test('pauses grow twofold, up to half a minute', () => {
  assert.deepEqual([0, 1, 2, 3].map(backOffMs), [250, 500, 1000, 2000]);
  assert.equal(backOffMs(20), 30_000);
});

test('what ended is started again', async () => {
  const ends: ((why: string) => void)[] = [];
  const { supervised } = make(() =>
    Promise.resolve({
      pid: ends.length + 1,
      ended: new Promise<string>((settle) => ends.push(settle)),
      stop: () => Promise.resolve(),
    }),
  );
  await supervised.start();
  assert.equal(supervised.state, 'ready');
  ends[0]?.('ended by SIGKILL');
  await settled();
  assert.equal(supervised.state, 'ready');
  assert.equal(supervised.pid, 2);
  assert.equal(supervised.restarts, 1);
  await supervised.stop();
});

test('what fails again and again is said once, tried every minute, and ready when its cause has passed', async () => {
  let starts = 0;
  const { supervised, pauses, said } = make(() => {
    starts += 1;
    const ended = starts === 12 ? new Promise<string>(() => undefined) : Promise.resolve('ended with 1');
    if (starts > 1 && starts < 12) return Promise.reject(new Error('no port'));
    return Promise.resolve({ pid: starts, ended, stop: () => Promise.resolve() });
  });
  await supervised.start();
  await settled();
  assert.deepEqual(pauses, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 60_000, 60_000, 60_000]);
  assert.equal(said.filter((text) => /failed 8 times in a row \(no port\)/.test(text)).length, 1);
  assert.equal(said.filter((text) => /failed .* times/.test(text)).length, 1);
  assert.equal(supervised.state, 'ready');
  assert.equal(supervised.pid, 12);
});

test('a first start that fails is the caller’s to know', async () => {
  const { supervised } = make(() => Promise.reject(new Error('no port')));
  await assert.rejects(supervised.start(), /no port/);
});

test('stopped, it is not started again', async () => {
  let starts = 0;
  let end: (why: string) => void = () => undefined;
  const { supervised } = make(() => {
    starts += 1;
    const ended = new Promise<string>((settle) => {
      end = settle;
    });
    return Promise.resolve({
      pid: 1,
      ended,
      stop: () => {
        end('ended with 0');
        return Promise.resolve();
      },
    });
  });
  await supervised.start();
  await supervised.stop();
  await settled();
  assert.equal(starts, 1);
  assert.equal(supervised.state, 'stopped');
});
