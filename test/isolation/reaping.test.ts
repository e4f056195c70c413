import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TeamId, WorkspaceId } from '#base/ids.ts';
import { leftovers, nothingLeft as nothing } from '../support/leftovers.ts';
import { newId, startWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();

describe('what is left of a sandbox', { skip: reason ?? false, timeout: 120_000 }, () => {
  it('is nothing after a kill, whatever ran in it', async () => {
    await using warden = await startWarden();
    const first = await warden.create();
    await warden.channel.call('sandbox.kill', first);
    const before = await leftovers(warden);
    const { descriptors: openBefore, ...rest } = before;
    assert.deepEqual(rest, nothing);

    const sandboxes = [await warden.create(), await warden.create(), await warden.create()];
    for (const sandbox of sandboxes) {
      await warden.run(
        sandbox,
        'for i in 1 2 3; do setsid sh -c "trap \\"\\" TERM HUP; sleep 100" > /dev/null 2>&1 & done; dd if=/dev/zero of=x bs=1M count=20 2>/dev/null',
        { workingDirectory: '/home/user' },
      );
    }
    const during = await leftovers(warden);
    assert.ok(
      during.processes >= 3 * 5 && during.loops === 3 && during.ranges === 3 && during.mounts >= 9,
      JSON.stringify(during),
    );
    for (const sandbox of sandboxes) await warden.channel.call('sandbox.kill', sandbox);
    const { descriptors, ...after } = await leftovers(warden);
    assert.deepEqual(after, nothing);
    assert.ok(descriptors <= openBefore, `${descriptors - openBefore} descriptors leaked`);
    for (const sandbox of sandboxes) await warden.channel.call('sandbox.kill', sandbox);
  });

  it('is the disk of the workspace, with its files and its uid range, until that is deleted', async () => {
    await using warden = await startWarden();
    const workspaceId = newId<WorkspaceId>();
    const teamId = newId<TeamId>();
    const first = await warden.create({ workspaceId, teamId });
    await warden.run(first, 'echo kept > ~/workspace/f; stat -c %u ~/workspace/f');
    await warden.run(first, 'touch /usr/gone', { user: 'root' });
    await assert.rejects(warden.create({ workspaceId, teamId }), { code: 'conflict' });
    await assert.rejects(warden.channel.call('disk.delete', { workspaceId, teamId }), { code: 'conflict' });
    await warden.channel.call('sandbox.kill', first);
    const { descriptors: _, ...between } = await leftovers(warden);
    assert.deepEqual(between, { ...nothing, ranges: 1 });
    const second = await warden.create({ workspaceId, teamId });
    assert.equal(
      (await warden.run(second, 'cat ~/workspace/f; stat -c %U ~/workspace/f; ls /usr/gone')).stdout,
      'kept\nuser\n',
    );
    await warden.channel.call('sandbox.kill', second);
    await warden.channel.call('disk.delete', { workspaceId, teamId });
    const { descriptors: __, ...end } = await leftovers(warden);
    assert.deepEqual(end, nothing);
    assert.deepEqual(readdirSync(`${warden.config.stateDirectory}/disks`), []);
  });

  it('is cleaned away and announced when its init is killed', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const events = warden.channel.open('events', {});
    events.done.catch(() => undefined);
    const next = events.items[Symbol.asyncIterator]();
    const record = JSON.parse(
      readFileSync(`${warden.config.stateDirectory}/sandboxes/${sandbox.sandboxId}/sandbox.json`, 'utf8'),
    );
    process.kill(record.init.pid, 'SIGKILL');
    const { value } = await next.next();
    assert.deepEqual(
      [value?.header.type, value && 'sandboxId' in value.header && value.header.sandboxId],
      ['sandbox.stopped', sandbox.sandboxId],
    );
    const { descriptors: _, ...after } = await leftovers(warden);
    assert.deepEqual(after, nothing);
    events.cancel();
  });

  it('a program that outlives its time takes its children with it', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const run = await warden.run(sandbox, 'setsid sleep 100 & sleep 100', { timeoutMs: 500 });
    assert.equal(run.timedOut, true);
    await sleep(50);
    assert.equal((await warden.channel.call('sandbox.usage', sandbox)).reply.processes, 0);
    const call = warden.channel.open('exec.run', {
      ...sandbox,
      arguments: ['/bin/sh', '-c', 'echo up; sleep 100'],
      workingDirectory: { path: '/' },
      environment: {},
      user: 'user',
      timeoutMs: 60_000,
    });
    for await (const { payload } of call.items) {
      assert.equal(payload.toString(), 'up\n');
      break;
    }
    call.cancel();
    await assert.rejects(call.done, { code: 'cancelled' });
    await sleep(200);
    assert.equal((await warden.channel.call('sandbox.usage', sandbox)).reply.processes, 0);
  });

  it('orphans inside are reaped by init', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    await warden.run(sandbox, 'for i in $(seq 20); do (sh -c "sleep 0.1" &) ; done; sleep 0.5');
    assert.equal((await warden.run(sandbox, 'ps -e -o stat= | grep -c Z; true')).stdout, '0\n');
  });
});
