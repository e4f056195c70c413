import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import type { SandboxId, WorkspaceId } from '#base/ids.ts';
import { rangeInUse } from '#warden/range-in-use.ts';
import { openUidRanges } from '#warden/uid-ranges.ts';

const first = 1_600_000_000;
const id = 'abcdefghijklmnopqrst';

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync('/tmp/casemate-ranges-');
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A kernel that shows one process, keys and loop devices. */
function kernel(directory: string, told: { status?: string; keys?: string; backing?: string }): [string, string] {
  for (const path of ['proc/77', 'block/loop3/loop', 'block/sda'])
    mkdirSync(`${directory}/${path}`, { recursive: true });
  writeFileSync(`${directory}/proc/77/status`, told.status ?? 'Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0 4 \n');
  writeFileSync(`${directory}/proc/key-users`, told.keys ?? '    0:    14 13/13 9/1000000 163/25000000\n');
  writeFileSync(`${directory}/block/loop3/loop/backing_file`, told.backing ?? '/somewhere/else.ext4\n');
  return [`${directory}/proc`, `${directory}/block`];
}

test('H6 a range is in use while any id of a process, a key or a file system of it is left', (t) => {
  const image = `/data/warden/sandboxes/${id}/scratch.ext4`;
  const ids = (uid: string, gid: string, groups: string): string => `Uid:\t${uid}\nGid:\t${gid}\nGroups:\t${groups} \n`;
  const none = '0\t0\t0\t0';
  const inside = String(first + 1000);
  const table: [told: Parameters<typeof kernel>[1], used: boolean][] = [
    [{}, false],
    [{ status: ids(`0\t0\t${inside}\t0`, none, '') }, true],
    [{ status: ids(none, `${inside}\t0\t0\t0`, '') }, true],
    [{ status: ids(none, none, `4 ${inside}`) }, true],
    [
      { status: `State:\tZ (zombie)\nThreads:\t1\n${ids(`${inside}\t${inside}\t${inside}\t${inside}`, none, '')}` },
      false,
    ],
    [{ status: ids(`${first - 1}\t0\t0\t${first + 65_536}`, none, '') }, false],
    [{ keys: `    0:     1 1/1 1/9 1/9\n${first + 5}:     2 2/2 2/200 20/20000\n` }, true],
    [{ keys: `${first + 65_536}:     2 2/2 2/200 20/20000\n` }, false],
    [{ backing: `/elsewhere${image}\n` }, true],
    [{ backing: `${image} (deleted)\n` }, true],
    [{ backing: `/data/warden/sandboxes/${id.replace('a', 'b')}/scratch.ext4\n` }, false],
  ];
  for (const [told, used] of table) {
    const at = directoryOf(t);
    assert.equal(rangeInUse({ first, count: 65_536 }, image, ...kernel(at, told)), used, JSON.stringify(told));
  }
});

test('H6 a range is not given again while a process has it, and is as soon as that is gone', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can become another user');
  const ranges = await openUidRanges(`${directoryOf(t)}/ranges.json`, { first, count: 2 });
  const one = id as SandboxId;
  const [taken, other] = [await ranges.takeForSandbox(one), await ranges.ofWorkspace(id as WorkspaceId)];
  assert.deepEqual([taken, other], [first, first + 65_536]);
  const groups = ['--reuid=0', '--regid=0', `--groups=${first + 7}`, 'sleep', '30'];
  const holder = spawn('setpriv', groups, { stdio: 'ignore' });
  while (!/sleep/.test(spawnSync('cat', [`/proc/${holder.pid}/comm`], { encoding: 'utf8' }).stdout)) continue;
  assert.equal(await ranges.release(`sandbox:${one}`, '/nowhere/at/all'), false);
  const next = `b${id.slice(1)}` as SandboxId;
  await assert.rejects(ranges.takeForSandbox(next), { code: 'no_space' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  assert.equal(await ranges.takeForSandbox(next), first);
});
