import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Channel } from '#channel/connect.ts';
import { brokerMethods } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import type { MethodTable } from '#contract/channel.ts';
import { keeperMethods } from '#contract/keeper.ts';
import { wardenMethods } from '#contract/warden.ts';
import { type RunningBroker, startBroker } from '../support/start-broker.ts';
import { startKeeper, type TestKeeper } from '../support/start-keeper.ts';
import { newId, startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();

/** What an id, a name or a number is replaced with. */
const hostile: readonly unknown[] = [
  '../../../../etc/shadow',
  '/proc/self/fd/3',
  '..',
  '',
  'a'.repeat(100_000),
  'A'.repeat(20),
  `${'a'.repeat(19)}\n`,
  `${'a'.repeat(19)}/`,
  '\u0000',
  '__proto__',
  null,
  -1,
  1.5,
  Number.MAX_SAFE_INTEGER + 2,
  [],
  {},
  { toString: 'x' },
];
type Loose = { call(method: string, parameters: unknown): Promise<{ reply: unknown }> };

describe('H5 whoever holds the server has its sockets, and no more', {
  skip: reason ?? false,
  timeout: 240_000,
}, () => {
  let warden: TestWarden;
  let keeper: TestKeeper;
  let broker: RunningBroker;
  before(async () => {
    [warden, keeper, broker] = await Promise.all([startWarden(), startKeeper(), startBroker()]);
  });
  after(async () => {
    await Promise.all([warden, keeper, broker].map((part) => part?.[Symbol.asyncDispose]()));
  });
  const parts = (): readonly { name: string; table: MethodTable; channel: Loose; socket: string }[] => [
    {
      name: 'warden',
      table: wardenMethods,
      channel: loose(warden.channel),
      socket: path.join(warden.config.runDirectory, 'warden.sock'),
    },
    {
      name: 'keeper',
      table: keeperMethods,
      channel: loose(keeper.channel),
      socket: path.join(keeper.config.runDirectory, 'keeper.sock'),
    },
    {
      name: 'broker',
      table: brokerMethods,
      channel: loose(broker.channel),
      socket: path.join(broker.config.runDirectory, 'broker.sock'),
    },
  ];
  const loose = (channel: unknown): Loose => channel as Channel<MethodTable> as unknown as Loose;
  const healthy = async (): Promise<void> => {
    for (const { name, channel } of parts()) await channel.call(`${name}.health`, {});
  };

  it('H5 every method refuses every field of another form, and nothing stops', async () => {
    const ids = { sandboxId: newId(), teamId: newId(), terminalId: newId(), workspaceId: newId() };
    let tried = 0;
    for (const { name, table, channel } of parts()) {
      for (const method of Object.keys(table)) {
        const shape = (table[method]?.request as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
        for (const wrong of hostile) {
          // In the place of all parameters, and of each id and name.
          const places = Object.keys(shape).filter((field) => /Id$|^name$|^template$|^tier$/.test(field));
          const attempts: unknown[] = places.map((field) => ({ ...ids, [field]: wrong, extra: wrong }));
          if (typeof wrong !== 'object' || wrong === null || Array.isArray(wrong)) attempts.push(wrong);
          for (const parameters of attempts) {
            tried += 1;
            await assert.rejects(channel.call(method, parameters), (error: unknown) => {
              assert.ok(error instanceof CasemateError, `${name} ${method}`);
              assert.equal(error.code, 'invalid_request', `${name} ${method}: ${error.message}`);
              assert.ok(!error.message.includes('etc/shadow'));
              return true;
            });
          }
        }
      }
      for (const method of ['__proto__', 'constructor', 'toString', '', 'sandbox.create\u0000']) {
        await assert.rejects(channel.call(method, {}), { code: 'invalid_request' });
      }
    }
    assert.ok(tried > 500, String(tried));
    await healthy();
  });

  it('H5 ids of nobody are not found, ten thousand times, and the warden goes on', async () => {
    const { sandboxId, teamId } = await warden.create();
    const codes = new Map<string, number>();
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 500 }, () =>
        warden.channel.call('sandbox.usage', { sandboxId, teamId: newId() }).then(
          () => 'answered',
          (error: CasemateError) => error.code,
        ),
      );
      for (const code of await Promise.all(calls)) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    assert.deepEqual([...codes], [['not_found', 10_000]]);
    await warden.channel.call('sandbox.usage', { sandboxId, teamId });
    await warden.channel.call('sandbox.kill', { sandboxId, teamId });
  });

  it('H5 bytes that are no frames end their own connection only', async () => {
    const frames = [
      Buffer.alloc(64, 0xff),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 1]),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from([0, 0, 0, 9, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0, 0, 0, 10, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0x7b]),
      Buffer.alloc(0),
    ];
    for (const { socket } of parts()) {
      for (const bytes of frames) {
        const client = connect(socket);
        client.on('error', () => undefined);
        client.on('data', () => undefined);
        client.end(bytes);
        await new Promise<void>((resolve) => client.once('close', () => resolve()));
      }
    }
    await healthy();
  });

  it('H5 the sockets are closed to every other user', () => {
    for (const { name, socket } of parts()) {
      assert.equal(statSync(socket).mode & 0o777, 0o660, name);
      // The directories are shut as well; here only the socket's own mode is to be seen.
      for (let up = path.dirname(socket); up.length > 5; up = path.dirname(up)) chmodSync(up, 0o755);
      const script = `require('node:net').connect(${JSON.stringify(socket)}).on('connect',()=>process.exit(7)).on('error',(e)=>process.exit(e.code==='EACCES'?3:4))`;
      const other = spawnSync(
        'setpriv',
        ['--reuid=54321', '--regid=54321', '--clear-groups', process.execPath, '-e', script],
        { cwd: '/' },
      );
      assert.equal(other.status, 3, `${name}: ${other.stderr.toString()}`);
    }
  });
});
