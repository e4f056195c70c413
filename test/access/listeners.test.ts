import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import Fastify from 'fastify';
import { pino } from 'pino';
import { duplicate } from '#kernel/duplicate.ts';
import { listenOnNetwork } from '#main/server/listen.ts';
import { openListeners } from '#main/server/open-listeners.ts';
import { freePort } from '../support/instance.ts';

test('H12 a server that replaces another answers on both sockets that its supervisor kept open', async (t) => {
  const port = await freePort();
  const kept = openListeners({ host: '0.0.0.0', port });
  assert.ok(kept.loopback !== null);
  t.after(() => [kept.configured, kept.loopback].forEach((fd) => fd !== null && closeSync(fd)));
  const log = pino({ level: 'silent' });
  /** By a connection of its own. */
  const answer = async (host: string): Promise<string> => {
    const [response] = await once(get({ host, port, agent: false, timeout: 2000 }), 'response');
    return text(response);
  };
  let completed = (): void => undefined;
  const serve = async (name: string, needed: boolean) => {
    const app = Fastify({ forceCloseConnections: true });
    t.after(() => app.close());
    app.get('/', () => name);
    const listeners = { configured: duplicate(kept.configured), loopback: duplicate(kept.loopback ?? -1) };
    const setup = { isNeeded: async () => needed, onCompleted: (tell: () => void) => void (completed = tell) };
    await listenOnNetwork(app, { host: '0.0.0.0', port, listeners }, setup, log);
    return app;
  };
  const first = await serve('first', true);
  assert.equal(await answer('127.0.0.1'), 'first');
  await assert.rejects(answer('127.0.0.2'));
  completed();
  for (let tries = 0; tries < 100; tries += 1) if ((await answer('127.0.0.2').catch(() => null)) !== null) break;
  assert.equal(await answer('127.0.0.2'), 'first');
  await first.close();
  const second = await serve('second', false);
  assert.deepEqual(await Promise.all(['127.0.0.1', '127.0.0.2'].map(answer)), ['second', 'second']);
  await second.close();
  assert.throws(() => openListeners({ host: '0.0.0.0', port }), /another program listens there/);
});
