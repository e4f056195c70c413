import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { duplicate } from '#kernel/duplicate.ts';
import { createEpoll } from '#kernel/epoll.ts';
import { attachLoop } from '#kernel/loop.ts';
import { cloneTree } from '#kernel/mount.ts';
import { openat2, openFlags } from '#kernel/openat2.ts';
import { pidfdOpen } from '#kernel/pidfd.ts';
import { pidfdGetfd } from '#kernel/pidfd-getfd.ts';
import { openPipe } from '#kernel/pipe.ts';
import { acceptUnix, listenUnix, receiveRights } from '#kernel/socket-rights.ts';
import { tcpSocket } from '#kernel/socket.ts';
import { makePipe } from '#kernel/splice.ts';

/** Functions of the kernel room after which no descriptor is open that was not open before. */
const openNothing = [
  ...['abandonFileSystem', 'attachTree', 'becomeRoot', 'becomeShutIn', 'becomeSubreaper', 'checked', 'closeAllOnExec'],
  ...['collapseHead', 'connectOutcome', 'denyExecve', 'denySurface', 'dropPrivileges', 'enterMountNamespace'],
  ...['enterNetworkNamespace', 'fileSystemType', 'forbidCoreDumps', 'forbidNewPrivileges', 'isPtyMaster'],
  ...[
    'keepInBoundingSet',
    'keepMountsHere',
    'landlockVersion',
    'leaveNamespaces',
    'listenOnLoopback',
    'lockExclusively',
  ],
  ...['makeDirectoryAt', 'mount', 'notifySystemd', 'pathBytes', 'peerCredentials', 'pidfdExit', 'pidfdSignal'],
  ...['punchHole', 'readLinkAt', 'reapChild', 'refuseCalls', 'renameAt', 'replaceProgram', 'restrictByLandlock'],
  ...['setAttributesAt', 'setDeathSignal', 'setMountAttributes', 'setNonblocking', 'setWindowSize', 'signalGroup'],
  ...[
    'spawnProgram',
    'splice',
    'startConnect',
    'statusAt',
    'umountHere',
    'unlinkAt',
    'unmount',
    'withoutCalls',
    'withoutPrograms',
  ],
  ...['withoutSurface'],
];

/** Without the one that reads the directory, which is closed again when this looks at it. */
const openNow = (): Set<string> =>
  new Set(readdirSync('/proc/self/fd').filter((fd) => existsSync(`/proc/self/fdinfo/${fd}`)));
const O_CLOEXEC = 0o2000000;

/** The descriptors that `open` leaves open, which it answers or not, and of those the ones that a program would inherit. */
function openedBy(open: () => unknown): { opened: number[]; inherited: string[] } {
  const before = openNow();
  open();
  const opened: number[] = [];
  const inherited: string[] = [];
  for (const fd of openNow()) {
    if (before.has(fd)) continue;
    const information = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    opened.push(Number(fd));
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(information)?.[1] ?? '', 8);
    if ((flags & O_CLOEXEC) === 0) inherited.push(fd);
  }
  return { opened, inherited };
}

test('H1 no descriptor that the kernel room opens is inherited by a program', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('loop devices and mounts need root');
  const directory = mkdtempSync('/tmp/casemate-descriptors-');
  t.after(() => rmSync(directory, { recursive: true }));
  const image = join(directory, 'image');
  writeFileSync(image, '');
  truncateSync(image, 1_048_576);
  const console = join(directory, 'console');
  const pidfd = pidfdOpen(process.pid);
  const null_ = openSync('/dev/null', 'r');
  const listener = listenUnix(console);
  const masters = spawn(
    'python3',
    [resolve(import.meta.dirname, '../support/console-program.py'), console, 'sleep', '5'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const ended = once(masters, 'exit');
  let connection: number | undefined;
  const waiting = async <Value>(take: () => Value | undefined): Promise<Value> => {
    for (let tries = 0; tries < 250; tries += 1) {
      const taken = take();
      if (taken !== undefined) return taken;
      await delay(20);
    }
    throw new Error('nothing came within 5 s');
  };

  const covered: Record<string, { opened: number[]; inherited: string[] }> = {
    attachLoop: openedBy(() => attachLoop(image)),
    cloneTree: openedBy(() => cloneTree(directory)),
    createEpoll: openedBy(() => createEpoll()),
    duplicate: openedBy(() => duplicate(null_)),
    listenUnix: openedBy(() => listenUnix(join(directory, 'another'))),
    makePipe: openedBy(() => makePipe()),
    openPipe: openedBy(() => openPipe()),
    openat2: openedBy(() => openat2(-100, '/', { flags: openFlags.directory, resolve: 0 })),
    pidfdGetfd: openedBy(() => pidfdGetfd(pidfd, null_)),
    pidfdOpen: openedBy(() => pidfdOpen(process.pid)),
    tcpSocket: openedBy(() => tcpSocket('ipv6')),
    acceptUnix: await waiting(() => {
      const result = openedBy(() => (connection = acceptUnix(listener)));
      return connection === undefined ? undefined : result;
    }),
    receiveRights: await waiting(() => {
      const result = openedBy(() => receiveRights(connection ?? -1));
      return result.opened.length > 0 ? result : undefined;
    }),
  };
  for (const [name, { opened, inherited }] of Object.entries(covered)) {
    assert.ok(opened.length > 0, `${name} opened nothing`);
    assert.deepEqual(inherited, [], name);
    for (const fd of opened) closeSync(fd);
  }
  for (const fd of [pidfd, null_, listener]) closeSync(fd);
  await ended;

  const room = resolve(import.meta.dirname, '../../src/kernel');
  const exported = readdirSync(room)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) => [...readFileSync(join(room, file), 'utf8').matchAll(/^export function (\w+)/gm)])
    .map((match) => match[1]);
  assert.deepEqual(exported.toSorted(), [...openNothing, ...Object.keys(covered)].toSorted());
});
