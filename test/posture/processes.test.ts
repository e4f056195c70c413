import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { reachWarden } from '#main/attack/reach-warden.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';

interface Posture {
  readonly root: boolean;
  readonly effectiveCapabilities: string;
  readonly boundingCapabilities: string;
  readonly noNewPrivileges: string;
  /** 2: a filter. */
  readonly seccomp: string;
}

function postureOf(pid: number): Posture {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? 'absent';
  return {
    root: field('Uid').split(/\s+/).includes('0'),
    effectiveCapabilities: field('CapEff'),
    boundingCapabilities: field('CapBnd'),
    noNewPrivileges: field('NoNewPrivs'),
    seccomp: field('Seccomp'),
  };
}

function pidOf(entry: string, data: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let line = '';
    try {
      line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (line.includes(entry) && line.includes(data)) return Number(pid);
  }
  throw new Error(`${entry} does not run`);
}

const none = '0000000000000000';

test('H4 the processes that face the network and the guests have no user, capability or program to gain', async (t) => {
  const reason = lacking();
  if (reason) return t.skip(reason);
  await using instance = await temporaryInstance();
  const started = await casemate(['up', '--detach', ...instance.flags]);
  assert.equal(started.code, 0, started.output);
  for (const entry of ['main/server.js', 'main/broker.js']) {
    const { boundingCapabilities: _, ...posture } = postureOf(pidOf(entry, instance.data));
    assert.deepEqual(posture, { root: false, effectiveCapabilities: none, noNewPrivileges: '1', seccomp: '2' }, entry);
  }
  const keeper = postureOf(pidOf('main/keeper.js', instance.data));
  assert.equal(keeper.root, false);
  assert.equal(keeper.effectiveCapabilities, none);

  await t.test(
    'H5 the attack of the doctor reaches the warden of this instance, as its server and only as that',
    async () => {
      const config = await readConfig(parseUpArguments(['--data', instance.data]), {});
      await using reached = await reachWarden(config);
      assert.equal(reached.which, `the instance of ${instance.data}`);
      assert.equal(process.geteuid?.(), 0);
      const { reply } = await reached.warden.call('warden.health', {});
      assert.deepEqual(reply.tiers, ['crun']);
    },
  );
});
