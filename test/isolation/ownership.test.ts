import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SandboxId, TeamId, TerminalId, WorkspaceId } from '#base/ids.ts';
import { connectChannel } from '#channel/connect.ts';
import { wardenMethods } from '#contract/warden.ts';
import { newId, startWarden, type TestWarden, testResources, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();

describe('H5 the warden believes nobody', { skip: reason ?? false, timeout: 120_000 }, () => {
  let warden: TestWarden;
  before(async () => {
    warden = await startWarden();
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
  });

  it('H5 another team finds none of the sandbox behind any method', async () => {
    const { sandboxId } = await warden.create();
    const stranger = { sandboxId, teamId: newId<TeamId>() };
    const at = { path: '/home/user/x' };
    const { channel } = warden;
    const program = { arguments: ['/bin/true'], workingDirectory: { path: '/' }, environment: {} };
    const size = { columns: 80, rows: 24 };
    const rejected = { code: 'not_found' };
    const terminalId = newId<TerminalId>();
    const attempts = [
      channel.call('sandbox.kill', stranger),
      channel.call('sandbox.usage', stranger),
      channel.call('terminal.start', { ...stranger, ...program, terminalId, size }),
      channel.call('terminal.kill', { ...stranger, terminalId }),
      channel.call('file.list', { ...stranger, at, limit: 10 }),
      channel.call('file.stat', { ...stranger, at }),
      channel.call('file.makeDirectory', { ...stranger, at }),
      channel.call('file.rename', { ...stranger, at, to: at }),
      channel.call('file.remove', { ...stranger, at }),
      channel.open('file.read', { ...stranger, at, length: 10 }).done,
      channel.open('file.write', { ...stranger, at }).done,
      channel.open('port.dial', { ...stranger, port: 80 }).done,
      channel.open('exec.run', { ...stranger, ...program, user: 'root', timeoutMs: 1000 }).done,
      channel.call('sandbox.create', {
        ...stranger,
        workspaceId: null,
        template: 'base',
        tier: 'crun',
        resources: testResources,
        environment: {},
      }),
    ];
    assert.equal(attempts.length, 14);
    for (const attempt of attempts) await assert.rejects(attempt, rejected);
  });

  it('H5 a binding outlives the sandbox and the warden', async () => {
    const workspaceId = newId<WorkspaceId>();
    const mine = await warden.create({ workspaceId });
    await warden.channel.call('sandbox.kill', mine);
    await warden.kill();
    await warden.restart();
    const thief = newId<TeamId>();
    await assert.rejects(warden.create({ teamId: thief, workspaceId }), { code: 'not_found' });
    await assert.rejects(warden.channel.call('disk.delete', { workspaceId, teamId: thief }), { code: 'not_found' });
    await assert.rejects(warden.run({ sandboxId: mine.sandboxId, teamId: thief }, 'id'), { code: 'not_found' });
    await warden.channel.call('disk.delete', { workspaceId, teamId: mine.teamId });
  });

  it('H5 a message with a path, a flag or an id of another form is refused', async () => {
    const { sandboxId, teamId } = await warden.create();
    const bad: Record<string, unknown>[] = [
      { sandboxId: '../../etc', teamId },
      { sandboxId: 'A'.repeat(20), teamId },
      { sandboxId, teamId, rootfs: '/' },
      { sandboxId, teamId, capabilities: ['CAP_SYS_ADMIN'] },
      {},
    ];
    for (const parameters of bad) {
      await assert.rejects(
        warden.channel.call('sandbox.usage', parameters as { sandboxId: SandboxId; teamId: TeamId }),
        {
          code: 'invalid_request',
        },
      );
    }
  });

  it('H5 a loader variable is refused, and nothing of the environment of the warden is inside', async () => {
    const sandbox = await warden.create();
    await assert.rejects(warden.run(sandbox, 'true', { environment: { LD_PRELOAD: '/tmp/x.so' } }), {
      code: 'invalid_request',
    });
    const names = (await warden.run(sandbox, ['/usr/bin/env'], { environment: { MINE: 'yes' } })).stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    assert.deepEqual(names.sort(), [
      'ANTHROPIC_API_KEY',
      'ANTHROPIC_BASE_URL',
      'HOME',
      'HTTPS_PROXY',
      'HTTP_PROXY',
      'LANG',
      'LOGNAME',
      'MINE',
      'NODE_USE_ENV_PROXY',
      'NODE_USE_SYSTEM_CA',
      'NO_PROXY',
      'OPENAI_API_KEY',
      'OPENAI_BASE_URL',
      'PATH',
      'SHELL',
      'USER',
      'http_proxy',
      'https_proxy',
      'no_proxy',
    ]);
  });

  it('H8 every command that acts is on the journal, in order, without arguments or paths', async () => {
    const { reply: earlier } = await warden.channel.call('journal.read', { after: 0, limit: 1000, waitMs: 0 });
    const after = earlier.records.at(-1)?.sequence ?? 0;
    const sandbox = await warden.create();
    await warden.run(sandbox, 'echo very-secret-argument');
    await warden.channel.call('sandbox.kill', sandbox);
    const { reply } = await warden.channel.call('journal.read', { after, limit: 1000, waitMs: 0 });
    const kinds = reply.records.filter(({ data }) => data['sandboxId'] === sandbox.sandboxId).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['sandbox.create', 'exec.run', 'sandbox.kill']);
    assert.ok(!JSON.stringify(reply).includes('very-secret'));
  });
});

describe('H5 the socket of the warden', { skip: reason ?? false, timeout: 60_000 }, () => {
  it('H5 admits one uid only', async () => {
    await using warden = await startWarden();
    // The tests run as root, so a warden that serves another uid must refuse root too.
    await using other = await startWarden({ config: { serverUid: 65_534 } });
    const quiet = (): void => {};
    const channel = connectChannel(wardenMethods, {
      path: `${other.config.runDirectory}/warden.sock`,
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
    await assert.rejects(channel.call('warden.health', {}), { code: 'unavailable' });
    channel.close();
    assert.equal((await warden.channel.call('warden.health', {})).reply.tiers[0], 'crun');
  });
});
