import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { sandboxesIoWeight, weighIo } from '#warden/cgroup/io-weight.ts';

const group = '/casemate-x';

/** Files as a kernel shows them, below a directory of their own. */
function tree(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(path.join(tmpdir(), 'casemate-io-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(`${root}${group}`);
  for (const [name, content] of Object.entries(files)) writeFileSync(`${root}/${name}`, content);
  return root;
}

test('on pure v2 the controller is offered and the group gets less than the default', (t) => {
  const root = tree(t, {
    'cgroup.controllers': 'cpu io memory\n',
    'cgroup.subtree_control': 'cpu memory\n',
    'casemate-x/io.weight': 'default 100\n',
  });
  const took = weighIo({ version: 'v2', unified: root, controllers: new Map() }, group);
  assert.deepEqual(took, [`${root}${group}/io.weight`]);
  assert.match(readFileSync(took[0] as string, 'latin1'), new RegExp(`^${sandboxesIoWeight}`));
  assert.match(readFileSync(`${root}/cgroup.subtree_control`, 'latin1'), /^\+io/);
});

test('on v1 and hybrid it is the block controller that weighs', (t) => {
  const blkio = tree(t, { 'casemate-x/blkio.bfq.weight': '100\n' });
  const unified = tree(t, { 'cgroup.controllers': 'hugetlb\n', 'cgroup.subtree_control': '\n' });
  const took = weighIo({ version: 'hybrid', unified, controllers: new Map([['blkio', blkio]]) }, group);
  assert.deepEqual(took, [`${blkio}${group}/blkio.bfq.weight`]);
  assert.equal(readFileSync(`${unified}/cgroup.subtree_control`, 'latin1'), '\n');
});

test('a kernel that weighs no disk is left as it is', (t) => {
  const root = tree(t, { 'cgroup.controllers': 'cpu memory\n', 'cgroup.subtree_control': 'cpu\n' });
  assert.deepEqual(weighIo({ version: 'v2', unified: root, controllers: new Map() }, group), []);
});
