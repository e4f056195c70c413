import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { whySandboxesCannotRun } from '../support/start-warden.ts';
import { startSystem, type TestSystem } from './support/start-system.ts';

const skip = whySandboxesCannotRun();
let system: TestSystem;
before(async () => {
  if (!skip) system = await startSystem({});
});
after(async () => system?.[Symbol.asyncDispose]());

const settled = async (
  at: string,
): Promise<{ state: string; sandbox: { state: string } | null; terminals: string[] }> => {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const workspace = (await system.api('GET', at)).json as never as {
      state: string;
      sandbox: { state: string } | null;
    };
    const listed = (await system.api('GET', `${at}/terminals`)).json['items'] as { state: string }[] | undefined;
    const terminals = (listed ?? []).map(({ state }) => state);
    const moving = [workspace.sandbox?.state ?? '', ...terminals].some((state) => /^(starting|stopping)$/.test(state));
    if (!moving && listed !== undefined) return { ...workspace, terminals };
    assert.ok(performance.now() < deadline, `${JSON.stringify([workspace, terminals])}\n${system.log()}`);
    await wait(100);
  }
};

for (const [what, method, path, body] of [
  ['a sandbox is started', 'POST', '/start', undefined],
  ['a terminal is opened', 'POST', '/terminals', {}],
  ['a workspace is deleted', 'DELETE', '', undefined],
] as const) {
  test(`a server killed while ${what} leaves a clear state, and the next start works`, {
    timeout: 120_000,
  }, async (t) => {
    if (skip) return t.skip(skip);
    for (const afterMs of [15, 60, 150]) {
      const made = await system.api('POST', '/workspaces', { name: 'Killed' });
      assert.equal(made.status, 201, made.text);
      const at = `/workspaces/${String(made.json['id'])}`;
      if (method === 'DELETE') await system.api('POST', `${at}/terminals`, {});
      const cut = system.api(method, `${at}${path}`, body).then(
        ({ status }) => status,
        () => 0,
      );
      await wait(afterMs);
      await system.killServer();
      await cut;
      await system.startServer();
      const { state } = await settled(at);
      assert.ok(['ready', 'deleted'].includes(state), state);
      if (state === 'deleted') assert.equal((await system.api('POST', `${at}/restore`)).status, 200);
      const again = await system.api('POST', `${at}/terminals`, {});
      assert.equal(again.status, 201, again.text + system.log());
      const { reply } = await system.warden.channel.call('sandbox.list', {});
      assert.equal(reply.sandboxes.filter(({ workspaceId }) => workspaceId === made.json['id']).length, 1);
      assert.equal((await system.api('DELETE', at)).status, 204);
    }
  });
}
