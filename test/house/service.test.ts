import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ServiceSettings } from '#main/service/settings.ts';
import { listenerOptionsOf, optionsOf, supervisorUnit } from '#main/service/units.ts';
import { serviceLines } from '#main/service/unit-text.ts';
import { dataPaths } from '#main/up/paths.ts';

const skip = existsSync('/usr/bin/systemd-analyze') ? false : 'systemd-analyze is not here (Debian package systemd)';
const directory = mkdtempSync(join(tmpdir(), 'casemate-units-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const paths = dataPaths('/var/lib/casemate');
const settings = (of: Partial<ServiceSettings> = {}): ServiceSettings => ({
  unit: 'casemate',
  node: process.execPath,
  flags: ['--data', paths.root, '--no-open'],
  externalDatabase: false,
  template: {
    directory: '/var/cache/casemate/templates/x',
    clients: { npmRegistry: '', pipIndex: '', pipHosts: [], aptUrls: [] },
  },
  ...of,
});

interface Finding {
  readonly name: string;
  readonly set: boolean | null;
  readonly exposure: string | null;
}

/** What systemd's analyser says of a unit's text: its exposure, 0 to 10, and the options that make it. */
function analyse(name: string, text: string): { exposure: number; findings: readonly Finding[] } {
  const file = join(directory, `${name}.service`);
  writeFileSync(file, text);
  const ask = (...flags: readonly string[]): string =>
    execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', ...flags, file], { encoding: 'utf8' });
  const overall = /Overall exposure level for .*: (\d+\.\d)/.exec(ask())?.[1];
  assert.ok(overall, name);
  return { exposure: Number(overall), findings: JSON.parse(ask('--json=short')) as Finding[] };
}
const transient = (options: Parameters<typeof serviceLines>[0]): string =>
  `[Service]\nExecStart=${process.execPath}\n${serviceLines(options)}\n`;

const confined = optionsOf(settings(), paths);
const overTcp = optionsOf(settings({ externalDatabase: true }), paths);
for (const [name, options, ceiling] of [
  ['server', confined.server, 0.7],
  ['server with a database over TCP', overTcp.server, 1.2],
  ['keeper', confined.keeper, 0.7],
  ['process that orders certificates', confined.acme, 0.7],
  ['DNS hook', confined.hook, 1.9],
  ['process that opens a port', listenerOptionsOf(settings(), paths, 3014), 1.9],
  ['process that opens a port below 1024', listenerOptionsOf(settings(), paths, 443), 1.9],
] as const) {
  test(`H19 the unit of the ${name} is exposed by less than 2.0`, { skip }, (t) => {
    const { exposure } = analyse('part', transient(options));
    t.diagnostic(`${exposure}`);
    assert.ok(exposure <= ceiling, `${exposure}`);
  });
}

test('H19 the unit of the supervisor and PostgreSQL is exposed by less than 2.0', { skip }, () => {
  const { exposure } = analyse('casemate', supervisorUnit(settings(), paths, '/var/cache/casemate'));
  assert.ok(exposure < 2, `${exposure}`);
});

/** Each costs the warden's unit its share of the exposure, and without each no sandbox starts or none is found again. */
const wardenNeeds: readonly string[] = [
  // Who makes sandboxes is root, with these powers.
  'User=/DynamicUser=',
  'CapabilityBoundingSet=~CAP_SYS_ADMIN',
  'CapabilityBoundingSet=~CAP_SYS_CHROOT',
  'CapabilityBoundingSet=~CAP_SYS_PTRACE',
  'CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)',
  'CapabilityBoundingSet=~CAP_(CHOWN|FSETID|SETFCAP)',
  'CapabilityBoundingSet=~CAP_(DAC_*|FOWNER|IPC_OWNER)',
  'CapabilityBoundingSet=~CAP_KILL',
  'RestrictNamespaces=~user',
  'RestrictNamespaces=~pid',
  'RestrictNamespaces=~net',
  'RestrictNamespaces=~uts',
  'RestrictNamespaces=~mnt',
  'RestrictNamespaces=~cgroup',
  'RestrictNamespaces=~ipc',
  'RestrictSUIDSGID=',
  'SystemCallFilter=~@mount',
  'SystemCallFilter=~@privileged',
  'SystemCallFilter=~@resources',
  // Inherited by every sandbox: a debugger there needs ptrace, a program its host name.
  'SystemCallFilter=~@debug',
  'ProtectHostname=',
  // Each makes a mount namespace, in which the next warden would not find what this one mounted.
  'PrivateMounts=',
  'PrivateTmp=',
  'PrivateDevices=',
  'PrivateIPC=',
  'PrivateUsers=',
  'ProtectClock=',
  'ProtectControlGroups=',
  'ProtectHome=',
  'ProtectKernelLogs=',
  'ProtectKernelModules=',
  'ProtectKernelTunables=',
  'ProtectProc=',
  'ProtectSystem=',
  'ProcSubset=',
  'RootDirectory=/RootImage=',
  // Loop devices carry the disks.
  'DeviceAllow=',
  // The broker is its child, and the way out.
  'PrivateNetwork=',
  'IPAddressDeny=',
  'RestrictAddressFamilies=~AF_(INET|INET6)',
  'RestrictAddressFamilies=~AF_NETLINK',
  'RestrictAddressFamilies=~AF_UNIX',
  // V8 compiles.
  'MemoryDenyWriteExecute=',
];

test('H19 the unit of the warden leaves open what makes sandboxes, and nothing else', { skip }, () => {
  const { exposure, findings } = analyse('warden', transient(optionsOf(settings(), paths).warden));
  const open = findings.filter(({ set, exposure: cost }) => set === false && Number(cost) > 0).map(({ name }) => name);
  const names = new Set(findings.map(({ name }) => name));
  assert.deepEqual(
    open.filter((name) => !wardenNeeds.includes(name)),
    [],
  );
  // Of a systemd that knows the option at all, none of the list may have become needless.
  assert.deepEqual(
    wardenNeeds.filter((name) => names.has(name) && !open.includes(name)),
    [],
  );
  assert.ok(exposure <= 6.5, `${exposure}`);
});

test('the unit that is installed is one that systemd understands', { skip }, () => {
  const file = join(directory, 'casemate.service');
  const flags = ['--data', paths.root, '--config', '/etc/100% "odd" $HOME.json'];
  writeFileSync(file, supervisorUnit(settings({ flags }), paths, '/var/cache/casemate'));
  assert.equal(
    execFileSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', file], { encoding: 'utf8' }),
    '',
  );
});
