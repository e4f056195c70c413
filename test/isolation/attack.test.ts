import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { attackDoors } from '#main/attack/doors.ts';
import { attackByExhaustion, bombs } from '#main/attack/exhaustion.ts';
import { attackFromInside } from '#main/attack/inside.ts';
import { allProbes } from '#main/attack/probes/all-probes.ts';
import type { Given } from '#main/attack/program.ts';
import { type Scene, setScene } from '#main/attack/scene.ts';
import { casemate, lacking } from '../support/instance.ts';
import { startWarden, whySandboxesCannotRun } from '../support/start-warden.ts';
import { weakSandbox } from '../support/weak-sandbox.ts';

const reason = lacking() ?? whySandboxesCannotRun();
const skip = reason ?? false;

const givenFrom = (scene: Scene): Given => ({
  ...{ mark: scene.mark, file: scene.file, canary: scene.canary, port: scene.port, abstract: scene.abstract },
  ...{ hostName: scene.hostName, neighbour: scene.port, placeholder: '' },
});

/** Without any sandbox, and with a descriptor and a secret left lying about. */
function run(program: string, parameters: readonly string[], input: string): Promise<string> {
  return new Promise((settle, fail) => {
    const leaked = openSync('/', 'r');
    const child = spawn(program, parameters, {
      ...{ stdio: ['pipe', 'pipe', 'inherit', leaked], timeout: 30_000 },
      env: { ...process.env, SOME_TOKEN: 'bait' },
    });
    closeSync(leaked);
    let output = '';
    child.stdout?.on('data', (bytes) => (output += bytes));
    child.stdin?.end(input);
    child.once('error', fail);
    child.once('close', () => settle(output));
  });
}

test('H14 doctor --attack makes its attempts in a sandbox of its own warden, and everything holds', {
  skip,
  // The launcher waits while another one prepares the same cache.
  timeout: 170_000,
}, async () => {
  const data = await mkdtemp('/tmp/casemate-attacked-');
  const { code, output } = await casemate(['doctor', '--attack', '-o', 'json', '--data', data]);
  await rm(data, { recursive: true });
  const outcomes = JSON.parse(output.slice(output.indexOf('[\n'))) as { verdict: string; id: string; saw: string }[];
  const fallen = outcomes.filter(({ verdict }) => verdict === 'did not hold');
  assert.deepEqual(fallen, []);
  assert.equal(code, 0, output);
  const held = outcomes.filter(({ verdict }) => verdict === 'held');
  assert.ok(held.length >= 150, `${held.length} attempts of ${outcomes.length} were made`);
});

test('H14 the same attempts succeed where nothing holds them: each can fail', { skip, timeout: 60_000 }, async () => {
  const fallen = new Set<string>();
  await using weak = await weakSandbox();
  await using scene = await setScene();
  for (const outcome of await attackFromInside(allProbes, givenFrom(scene), weak.interpret, () => scene.seen())) {
    assert.ok(!outcome.saw.startsWith('the attempt broke'), `${outcome.id}: ${outcome.saw}`);
    if (outcome.verdict === 'did not hold') fallen.add(outcome.id);
  }
  // What only a program of the host itself can reach: the bait, which ends with it.
  const baited = [
    ...['host-file', 'host-file-dots', 'host-file-links', 'host-processes', 'host-ptrace', 'host-signal'],
    ...['host-loopback', 'host-abstract', 'neighbour-port', 'host-name', 'inherited-descriptors'],
    ...['descriptors-of-others', 'environment-secrets'],
  ];
  const probes = allProbes.filter(({ id }) => baited.includes(id));
  const onHost = (_: string, program: string): Promise<string> => run('/usr/bin/python3', ['-'], program);
  for (const { id, verdict } of await attackFromInside(probes, givenFrom(scene), onHost, () => scene.seen())) {
    if (verdict === 'did not hold') fallen.add(id);
  }
  for (const id of [
    ...[...baited, 'unshare-user', 'setns-net', 'clone-pid', 'clone3-user', 'mount-tmpfs', 'chroot-escape', 'fsopen'],
    ...['mknod-null', 'core-pattern', 'sys-listing', 'bpf', 'keyctl', 'swapon'],
    ...['io-uring', 'name-to-handle', 'packet', 'netlink-audit', 'set-uid', 'file-capabilities'],
    ...['powerful-capabilities', 'new-privileges', 'uid-of-host', 'trusted-attribute', 'real-time', 'hostname'],
    ...['metadata', 'routes', 'door-loopback', 'door-metadata'],
  ]) {
    assert.ok(fallen.has(id), `${id} held where nothing holds it`);
  }
  const steady = allProbes.filter(({ id }) => !fallen.has(id)).map(({ id }) => id);
  assert.ok(fallen.size >= 110, `only ${fallen.size} attempts succeeded; not ${steady.join(' ')}`);
});

test('H16 limits that are larger than they are said to be, and open doors, are noticed', {
  skip,
  timeout: 60_000,
}, async () => {
  await using warden = await startWarden();
  const limits = { memoryMiB: 256, cpuPercent: 200, processes: 200, diskMiB: 128, inodes: 9000 };
  const [attacker, neighbour] = [await warden.create({ resources: limits }), await warden.create()];
  const said = { memoryMiB: 64, cpuPercent: 50, processes: 40, diskMiB: 64, inodes: 4096 };
  const chosen = bombs.filter(({ id }) => ['fork-bomb', 'disk', 'inodes'].includes(id));
  const outcomes = await attackByExhaustion(
    { ...{ attacker, neighbour, warden: warden.channel }, limits: said },
    chosen,
  );
  assert.deepEqual(
    outcomes.filter(({ verdict }) => verdict !== 'did not hold'),
    [],
  );

  await using scene = await setScene();
  const plant = ['/bin/sh', '-c', 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"', 'sh', scene.file, scene.mark];
  await warden.run(attacker, plant);
  const stranger = neighbour.teamId;
  const doors = await attackDoors({ ...{ attacker, neighbour, scene, stranger }, warden: warden.channel });
  const fallen = doors.filter(({ verdict }) => verdict === 'did not hold').map(({ id }) => id);
  // The bait lies where it can be reached, and the stranger is the neighbour: these attempts must tell so.
  for (const id of ['file-symlink', 'file-directory-symlink', 'other-team-exec', 'other-team-kill']) {
    assert.ok(fallen.includes(id), `${id} held where nothing holds it: ${fallen.join(' ')}`);
  }
});
