import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { WorkspaceId } from '#base/ids.ts';
import { newId, startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();
const idsPerRange = 65_536;

function* everythingBelow(path: string): Generator<[path: string, stat: Stats]> {
  const stat = lstatSync(path);
  yield [path, stat];
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(path)) yield* everythingBelow(`${path}/${name}`);
}

describe('H6 what a user controls on the disks of the host', { skip: reason ?? false, timeout: 60_000 }, () => {
  let warden: TestWarden;
  let sandbox: Awaited<ReturnType<TestWarden['create']>>;
  let record: { firstUid: number; init: { pid: number } };
  let mounts: string;
  before(async () => {
    warden = await startWarden();
    sandbox = await warden.create({ workspaceId: newId<WorkspaceId>() });
    const { stateDirectory, instance } = warden.config;
    record = JSON.parse(readFileSync(`${stateDirectory}/sandboxes/${sandbox.sandboxId}/sandbox.json`, 'utf8'));
    mounts = `/run/casemate-${instance}/${sandbox.sandboxId}`;
    const asRoot = [
      'touch /etc/new /usr/bin/new /run/new /tmp/new /dev/shm/new /root/new; chown 1000:1000 /etc/new',
      'chown 65534:65534 /usr/bin/new; chown 65535:65535 /run/new; chown -R 0:0 /home/user/workspace; rm /etc/issue',
      'chmod 4755 /usr/bin/new; echo x >> /etc/passwd; mkdir -p /opt/a/b; mv /etc/hostname /opt/a/b',
    ];
    await warden.run(sandbox, asRoot.join('; '), { user: 'root' });
    await warden.run(sandbox, 'touch ~/mine /tmp/mine /dev/shm/mine; ln -s / ~/link');
    const { channel } = warden;
    await channel.call('file.makeDirectory', { ...sandbox, at: { path: '/home/user/made' } });
    const write = channel.open('file.write', { ...sandbox, at: { path: '/home/user/written' } });
    write.end();
    await write.done;
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
  });

  it('H6 is owned by its own range of uids, never by one below 100,000', () => {
    const { firstUid, init } = record;
    assert.ok(firstUid >= 100_000);
    const own = (id: number): boolean => id >= firstUid && id < firstUid + idsPerRange;
    const inside = `/proc/${init.pid}/root`;
    const looked: Record<string, number> = {};
    const places = [
      `${mounts}/scratch/upper`,
      `${mounts}/disk/home`,
      ...['run', 'dev/shm', 'tmp'].map((at) => `${inside}/${at}`),
    ];
    for (const place of places) {
      let count = 0;
      for (const [path, stat] of everythingBelow(place)) {
        count += 1;
        // Overlay's mark for a removed file: the kernel's own, a device that no mount here lets anybody open.
        if (stat.isCharacterDevice() && stat.rdev === 0) continue;
        // Bound in by the runtime, read-only: the init program of the host.
        if (path === `${inside}/run/casemate-init`) continue;
        assert.ok(own(stat.uid) && own(stat.gid), `${path} is owned by ${stat.uid}:${stat.gid}`);
      }
      looked[place.slice(-6)] = count;
    }
    assert.ok(
      Object.values(looked).every((count) => count >= 2),
      JSON.stringify(looked),
    );
  });

  it('H6 lies behind directories that only root passes, on mounts without set-uid programs and devices', () => {
    const { stateDirectory, instance } = warden.config;
    for (const directory of ['', '/sandboxes', '/disks', '/images', `/sandboxes/${sandbox.sandboxId}`]) {
      const stat = statSync(`${stateDirectory}${directory}`);
      assert.deepEqual([stat.uid, stat.gid, stat.mode & 0o7777], [0, 0, 0o700], directory);
    }
    for (const [path, stat] of everythingBelow(`${stateDirectory}/disks`)) {
      assert.deepEqual([stat.uid, stat.mode & 0o077], [0, 0], path);
    }
    // crun walks to the disks as the sandbox's own group, which alone may pass here, and read nothing.
    const passed = statSync(mounts);
    assert.deepEqual([passed.uid, passed.gid, passed.mode & 0o7777], [0, record.firstUid, 0o710]);
    const options = new Map(
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .map((line) => line.split(' '))
        .map((fields) => [fields[4], (fields[5] ?? '').split(',')]),
    );
    const parent = options.get(`/run/casemate-${instance}`) ?? [];
    assert.ok(
      ['nosuid', 'nodev', 'noexec'].every((option) => parent.includes(option)),
      parent.join(),
    );
    for (const disk of ['scratch', 'disk', 'root', 'lower']) {
      const flags = options.get(`${mounts}/${disk}`) ?? [];
      assert.ok(
        ['nosuid', 'nodev'].every((option) => flags.includes(option)),
        `${disk}: ${flags.join()}`,
      );
    }
  });
});
