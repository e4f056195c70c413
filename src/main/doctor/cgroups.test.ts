import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingControllers, readCgroupLayout } from '#main/doctor/cgroups.ts';

const table = ['cpuset', 'cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'freezer', 'hugetlb', 'pids'];
const cgroups = `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${table.map((name) => `${name}\t0\t1\t1`).join('\n')}\n`;
const v1Mount = (name: string): string => `30 25 0:26 / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}`;
const tmpfs = '25 20 0:24 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755';
const unified = '40 25 0:40 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw';
const pure = '25 20 0:24 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';

test('pure v2 is seen, with the controllers of its root', () => {
  const layout = readCgroupLayout(pure, cgroups, 'cpuset cpu io memory hugetlb pids rdma misc\n');
  assert.equal(layout.version, 'v2');
  assert.deepEqual(missingControllers(layout), []);
  assert.equal(layout.mend, null);
});

test('v2 without a controller names what is missing', () => {
  assert.deepEqual(missingControllers(readCgroupLayout(pure, cgroups, 'cpu pids')), ['memory']);
});

test('v1 with everything mounted needs no mending', () => {
  const layout = readCgroupLayout([tmpfs, ...table.map(v1Mount)].join('\n'), cgroups, '');
  assert.equal(layout.version, 'v1');
  assert.equal(layout.mend, null);
  assert.deepEqual(missingControllers(layout), []);
});

test('hybrid without hugetlb, on which crun refuses to work, comes with the commands that mend it', () => {
  const mounts = table.filter((name) => name !== 'hugetlb').map(v1Mount);
  const layout = readCgroupLayout([tmpfs, ...mounts, unified].join('\n'), cgroups, '');
  assert.equal(layout.version, 'hybrid');
  assert.deepEqual(layout.mend?.at(-1), ['mount', '-t', 'cgroup', '-o', 'hugetlb', 'cgroup', '/sys/fs/cgroup/hugetlb']);
});

test('co-mounted controllers are all seen', () => {
  const both = '30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct';
  const layout = readCgroupLayout([tmpfs, both].join('\n'), cgroups, '');
  assert.deepEqual(layout.controllers, ['cpu', 'cpuacct']);
});

test('hugetlb disabled in the kernel needs no mending', () => {
  const layout = readCgroupLayout(
    [tmpfs, v1Mount('cpu'), unified].join('\n'),
    cgroups.replace('hugetlb\t0\t1\t1', 'hugetlb\t0\t1\t0'),
    '',
  );
  assert.equal(layout.mend, null);
});

test('a machine without control groups is said to have none', () => {
  assert.equal(readCgroupLayout('25 20 0:24 / / rw - ext4 /dev/vda rw', cgroups, '').version, 'none');
});
