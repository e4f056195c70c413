import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Confinement, parseConfinement } from '#config/confinement.ts';
import { landlockVersion } from '#kernel/landlock.ts';
import { withoutPrograms } from '#kernel/seccomp-program.ts';
import { openTerminalAt } from '../support/open-terminal-at.ts';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';
import type { AttackOutcome, AttackPlan } from '../support/confined-attack.ts';
import { expectedProcesses } from './expected-processes.ts';
import { postureOf, processesOfInstance } from './read-posture.ts';

const reason = lacking();
const names = ['server', 'broker', 'keeper'] as const;
const attackScript = resolve(import.meta.dirname, '../support/confined-attack.ts');

describe('our own processes', { skip: reason ?? false, timeout: 120_000 }, () => {
  let instance: Awaited<ReturnType<typeof temporaryInstance>>;
  const outcomes = new Map<string, AttackOutcome>();
  const servers: Server[] = [];
  before(async () => {
    instance = await temporaryInstance();
    const started = await casemate(['up', '--detach', ...instance.flags]);
    assert.equal(started.code, 0, started.output);
  });
  after(async () => {
    for (const server of servers) server.close();
    await instance?.[Symbol.asyncDispose]();
  });

  it('H4 H19 the posture of each is the table, no more and no less', async () => {
    // With a terminal there is a holder.
    await using _terminal = await openTerminalAt(join(instance.data, 'run/keeper'));
    await instance.until('a holder', () => processesOfInstance(instance.data).some(({ name }) => name === 'holder'));
    const processes = processesOfInstance(instance.data);
    const supervisor = processes.find(({ name }) => name === 'up')?.pid ?? 0;
    const found = Object.fromEntries(
      processes.map(({ name, pid }) => [name, postureOf(pid, instance.data, supervisor)]),
    );
    for (const [name, expected] of Object.entries(expectedProcesses)) assert.deepEqual(found[name], expected, name);
    assert.deepEqual(Object.keys(found).toSorted(), Object.keys(expectedProcesses).toSorted());
  });

  it('H4 from inside the confinement that the real process has, an attacker gains nothing', async () => {
    const canary = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    const abstractSocket = `casemate-test-${process.pid}`;
    const abstract = createServer((socket) => socket.destroy()).listen(`\0${abstractSocket}`);
    servers.push(canary, abstract);
    await Promise.all(servers.map((server) => once(server, 'listening')));
    const { port } = canary.address() as { port: number };
    for (const name of names)
      outcomes.set(name, await attackAs(instance.data, name, { tcpPort: port, abstractSocket }));
    assert.equal(outcomes.size, names.length);
  });

  const each = (check: (outcome: AttackOutcome, name: (typeof names)[number]) => void): void => {
    for (const name of names) {
      const outcome = outcomes.get(name);
      assert.ok(outcome, name);
      check(outcome, name);
    }
  };

  it('H4 neither the main thread nor a Worker starts a program: not a shell, not Node, not one it wrote', () => {
    each(({ spawned, written }, name) => {
      for (const [program, { main, worker }] of Object.entries({ ...spawned, ...written })) {
        const started = name === 'keeper' && program === '/holder';
        for (const result of name === 'keeper' ? [main] : [main, worker]) {
          if (started) assert.equal(result, 'started', `${name}: ${program}`);
          else assert.match(result, /^(?:EPERM|EACCES|ENOENT)$/, `${name}: ${program}`);
        }
      }
      assert.ok(Object.keys(written).length > 0, name);
    });
  });

  it('H4 there is no shell, and nothing of the host or of another process', () => {
    each(({ seen, root }, name) => {
      assert.deepEqual(seen, [], name);
      for (const absent of ['bin', 'sbin', 'home', 'root', 'sys', 'var', 'boot', 'srv']) {
        // The data directory and Node may lie below one of these; then there is nothing else in it.
        if (instance.data.startsWith(`/${absent}/`) || process.execPath.startsWith(`/${absent}/`)) continue;
        assert.ok(!root.includes(absent), `${name} sees /${absent}`);
      }
    });
  });

  it('H4 code cannot be changed', () => {
    each(({ codeWrite }, name) => assert.match(codeWrite, /^(?:EROFS|EACCES)$/, name));
  });

  it('H12 server and keeper reach no network, not even the loopback of the host; the broker does', () => {
    each(({ tcp, interfaces }, name) => {
      if (name === 'broker') assert.equal(tcp, 'connected');
      else {
        assert.match(tcp, /^(?:EACCES|ENETUNREACH|EADDRNOTAVAIL|ECONNREFUSED)$/, name);
        assert.deepEqual(interfaces, [], name);
      }
    });
  });

  it('H12 where the database is reached over TCP, Landlock lets the server connect to its port alone', async (t) => {
    if (landlockVersion() < 4) return t.skip('this kernel has no Landlock that knows TCP ports');
    const [canary] = servers;
    assert.ok(canary);
    const { port } = canary.address() as { port: number };
    const targets = { tcpPort: port, abstractSocket: 'none' };
    const allowed = await attackAs(instance.data, 'server', targets, { network: 'host', connects: [port] });
    assert.equal(allowed.tcp, 'connected');
    const refused = await attackAs(instance.data, 'server', targets, { network: 'host', connects: [5432] });
    assert.equal(refused.tcp, 'EACCES');
  });

  it('H4 abstract sockets and processes of the host are out of reach', () => {
    each(({ abstract, signal }, name) => {
      // In the host's network namespace only Landlock, from its version 6 on, hides abstract sockets.
      if (name !== 'broker' || landlockVersion() >= 6) assert.match(abstract, /^(?:ECONNREFUSED|EPERM)$/, name);
      assert.equal(signal, 'EPERM', name);
    });
  });

  it('H14 what our processes never call answers as if it were not there', () => {
    each(({ calls }, name) => {
      for (const [call, result] of Object.entries(calls)) {
        assert.match(result, /^(?:EPERM|EAFNOSUPPORT)$/, `${name}: ${call}`);
      }
    });
  });
});

/** Runs the attack with the confinement that `up` wrote for the real process: only the program is another. */
async function attackAs(
  data: string,
  name: (typeof names)[number],
  targets: Pick<AttackPlan, 'tcpPort' | 'abstractSocket'>,
  changes: Partial<Confinement> = {},
): Promise<AttackOutcome> {
  const file = join(data, 'config', `${name}.confinement.json`);
  const real = parseConfinement(readFileSync(file, 'utf8'));
  const entry = real.program[0] ?? '';
  assert.match(entry, new RegExp(`^${data}/release/[0-9a-f]{32}/dist/main/${name}\\.js$`));
  const release = resolve(dirname(entry), '../..');
  const planFile = join(data, 'config', `attack-${name}.json`);
  const confinement: Confinement = {
    ...real,
    program: [attackScript, planFile],
    readable: [...real.readable, attackScript, planFile],
    ...changes,
  };
  const others = names.filter((other) => other !== name);
  const plan: AttackPlan = {
    ...targets,
    release,
    ownFilter: /^denyExecve\(\);$/m.test(readFileSync(entry, 'utf8')) ? withoutPrograms().toString('base64') : null,
    workerLast: real.startsHolders,
    programs: [
      ...['/bin/sh', '/usr/bin/env', '/usr/bin/setpriv', process.execPath, '/proc/self/exe', '/holder'],
      ...['/lib64/ld-linux-x86-64.so.2', '/lib/x86_64-linux-gnu/libc.so.6'],
    ],
    hidden: [
      ...[
        '/bin/sh',
        '/etc/shadow',
        '/etc/passwd',
        '/root',
        '/home',
        '/sys',
        '/proc/1/environ',
        '/dev/kmsg',
        '/dev/loop-control',
      ],
      ...['pg', 'pg-passwords', 'warden', 'log', 'run/up', 'instance.json'].map((path) => join(data, path)),
      ...others.map((other) => join(data, 'config', `${other}.json`)),
      ...others.filter((other) => other !== 'server').map((other) => join(data, other)),
      ...(name === 'server' ? [] : [join(data, 'config/server.secret'), join(data, 'server')]),
    ],
    writable: real.writable,
    pid: process.pid,
  };
  writeFileSync(planFile, JSON.stringify(plan));
  chownSync(planFile, real.uid, real.gid);
  const attackFile = join(data, 'config', `attack-${name}.confinement.json`);
  writeFileSync(attackFile, JSON.stringify(confinement));
  const launcher = join(release, 'dist/main/confine.js');
  const child = spawn(process.execPath, [launcher, attackFile], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const failed = once(child, 'exit').then(([status, signal]) => {
    throw new Error(`the attack in the place of ${name} ended with ${status ?? signal}: ${output}`);
  });
  try {
    await Promise.race([nextMessage(child), failed]);
    if (real.startsHolders) {
      const [status] = await once(
        spawn(process.execPath, [launcher, 'seal', String(child.pid)], { stdio: 'inherit' }),
        'exit',
      );
      assert.equal(status, 0);
    }
    child.send('begin');
    const outcome = (await Promise.race([nextMessage(child), failed])) as AttackOutcome;
    if (plan.workerLast) {
      const last = await Promise.race([nextMessage(child), failed.catch(() => 'ended')]);
      assert.equal(last, 'ended', `a Worker of ${name} came to life`);
    }
    return outcome;
  } finally {
    failed.catch(() => undefined);
    child.kill('SIGKILL');
    for (const directory of real.writable) rmSync(join(directory, 'attack-program'), { force: true });
    assert.ok(existsSync(entry) && basename(entry) === `${name}.js`);
  }
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const [message]: unknown[] = await once(child, 'message');
  return message;
}
