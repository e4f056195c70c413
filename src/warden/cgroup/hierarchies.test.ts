import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { createControlGroups } from '#warden/cgroup/control-groups.ts';
import { findHierarchies } from '#warden/cgroup/hierarchies.ts';

test('pure v2 is one unified hierarchy', () => {
  const found = findHierarchies('cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\n');
  assert.equal(found.version, 'v2');
  assert.equal(found.unified, '/sys/fs/cgroup');
  assert.equal(found.controllers.size, 0);
});

test('hybrid has v1 controllers, some of them together, beside a unified hierarchy', () => {
  const found = findHierarchies(
    [
      'cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0',
      'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0',
      'cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0',
      'cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0',
    ].join('\n'),
  );
  assert.equal(found.version, 'hybrid');
  assert.equal(found.unified, '/sys/fs/cgroup/unified');
  assert.equal(found.controllers.get('cpuacct'), '/sys/fs/cgroup/cpu,cpuacct');
  assert.equal(found.controllers.get('memory'), '/sys/fs/cgroup/memory');
});

test('v1 has no unified hierarchy, and a machine without any is refused', () => {
  assert.equal(findHierarchies('cgroup /c/pids cgroup rw,pids 0 0').version, 'v1');
  assert.throws(() => findHierarchies('proc /proc proc rw 0 0'), /no control groups/);
});

/** A tree of files as a kernel with pure v2 shows it. */
function unifiedTree(): { root: string; group: string } {
  const root = mkdtempSync('/tmp/casemate-cgroup-');
  const group = '/casemate-x/sandbox';
  mkdirSync(`${root}${group}/exec-1`, { recursive: true });
  const files: Record<string, string> = {
    'memory.current': '5000000\n',
    'memory.stat': 'anon 1000\nfile 3000000\ninactive_file 1000000\nactive_file 2000000\n',
    'cpu.stat': 'usage_usec 123456\nuser_usec 100000\nsystem_usec 23456\n',
    'cgroup.procs': '11\n12\n',
    'cgroup.events': 'populated 1\nfrozen 1\n',
    'cgroup.kill': '',
    'exec-1/cgroup.procs': '13\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(`${root}${group}/${name}`, text);
  return { root, group };
}

test('on pure v2 usage, members and the frozen state come from the unified files', () => {
  const { root, group } = unifiedTree();
  const groups = createControlGroups({ version: 'v2', unified: root, controllers: new Map() });
  assert.deepEqual(groups.usage(group), { memoryBytes: 4_000_000, cpuMicroseconds: 123_456, processes: 3 });
  assert.deepEqual(groups.members(group).sort(), [11, 12, 13]);
  assert.equal(groups.frozen(group), true);
  assert.equal(groups.frozen('/casemate-x/none'), false);
  assert.deepEqual(groups.members('/casemate-x/none'), []);
  rmSync(root, { recursive: true });
});

test('on pure v2 a group is killed by cgroup.kill', async () => {
  const { root, group } = unifiedTree();
  const groups = createControlGroups({ version: 'v2', unified: root, controllers: new Map() });
  const killing = groups.kill(group);
  assert.equal(readFileSync(`${root}${group}/cgroup.kill`, 'utf8'), '1');
  for (const name of ['', '/exec-1']) writeFileSync(`${root}${group}${name}/cgroup.procs`, '');
  await killing;
  rmSync(root, { recursive: true });
});
