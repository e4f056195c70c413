import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Answer, send } from '../access/support/request.ts';
import { ownProcesses } from '../bench/soak/sample.ts';
import { openViewer, type TestViewer } from '../e2e-api/support/terminal-viewer.ts';
import { casemate, lacking, temporaryInstance } from '../support/instance.ts';

/** One instance whose whole data directory lies on a small file system: database, journals, recordings, disks. */
const reason = lacking();
const cleanup = new AsyncDisposableStack();
const clear = new Set([503, 507]);
let instance: Awaited<ReturnType<typeof temporaryInstance>>;
let origin: string;
let key: string;
let viewer: TestViewer;
/** Names of workspaces whose making was answered with 201. */
const acknowledged: string[] = [];

const run = (program: string, ...words: string[]): void => {
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${words.join(' ')}: ${stderr}`);
};

const api = (method: string, path: string, body?: unknown): Promise<Answer> =>
  send(origin, `/api/v1${path}`, { method, headers: { 'x-api-key': key }, ...(body === undefined ? {} : { body }) });

/** Makes a workspace; what is answered is either 201, remembered, or an error that says what is the matter. */
async function make(): Promise<number> {
  const name = `made ${acknowledged.length} ${Math.random().toString(36).slice(2, 8)}`;
  const answer = await api('POST', '/workspaces', { name });
  if (answer.status === 201) acknowledged.push(name);
  else assert.ok(clear.has(answer.status), `${answer.status} ${answer.text}`);
  return answer.status;
}

/** Makes a workspace and starts its sandbox, which takes room on the disk; the last status. */
async function makeAndStart(): Promise<number> {
  const made = await make();
  if (made !== 201) return made;
  const newest = (await api('GET', '/workspaces?limit=1')).json['items'] as readonly { readonly id: string }[];
  const started = await api('POST', `/workspaces/${newest[0]?.id}/start`);
  assert.ok(started.status < 300 || clear.has(started.status), `${started.status} ${started.text}`);
  return started.status;
}

/** Writes into PostgreSQL's log until it takes no more, which ends PostgreSQL. */
async function fillWriteAheadLog(): Promise<void> {
  const password = readFileSync(join(instance.data, 'pg-passwords/superuser.password'), 'latin1');
  const place = `localhost/casemate?host=${encodeURIComponent(join(instance.data, 'run/pg'))}`;
  const client = new pg.Client({ connectionString: `postgresql://casemate_superuser:${password}@${place}` });
  client.on('error', () => undefined);
  await client.connect();
  await assert.rejects(async () => {
    for (let turn = 0; turn < 200; turn += 1) {
      await client.query(`select pg_logical_emit_message(false, 'fill', repeat('x', 1000000))`);
    }
  });
}

/** Everything acknowledged is there, work goes on, and the trail is whole. */
async function recovered(): Promise<void> {
  await instance.until('the instance is ready', () => instance.status().ready, 60_000);
  await instance.until('a workspace can be made', async () => (await make()) === 201, 30_000);
  const names = new Set<string>();
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { json } = await api('GET', `/workspaces?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`);
    for (const { name } of json['items'] as { name: string }[]) names.add(name);
    cursor = (json['cursor'] as string | null) ?? null;
  }
  assert.deepEqual(
    acknowledged.filter((name) => !names.has(name)),
    [],
  );
  const verified = await casemate(['audit', 'verify', '--data', instance.data]);
  assert.equal(verified.code, 0, verified.output);
}

const ticks = (): number[] =>
  [
    ...viewer
      .output()
      .toString()
      .matchAll(/tick (\d+)\r\n/g),
  ].map((match) => Number(match[1]));

/** The program in the terminal prints on, and nothing of it is missing. */
async function countsOn(): Promise<void> {
  if (viewer.socket.readyState !== viewer.socket.OPEN)
    viewer = await openViewer(origin, key, terminalId, { offset: 0 });
  const reached = ticks().length;
  await viewer.until(() => ticks().length > reached + 10, 40_000);
  const seen = ticks();
  assert.deepEqual(
    seen,
    seen.map((_, at) => at + 1),
  );
}
let terminalId: string;

before(
  async () => {
    if (reason) return;
    instance = cleanup.use(await temporaryInstance());
    const image = `${instance.data}.img`;
    run('truncate', '-s', '900M', image);
    run('mkfs.ext4', '-q', '-m', '0', '-N', '12000', image);
    run('mount', '-o', 'loop', image, instance.data);
    cleanup.defer(async () => {
      await casemate(['down', '--data', instance.data]);
      // Lazily: a process that started meanwhile may hold a copy of the mount.
      spawnSync('umount', ['-l', instance.data]);
      for (const file of [image, `${instance.data}.password`]) rmSync(file, { force: true });
    });
    writeFileSync(`${instance.data}.password`, 'umbrella-tadpole-seventeen-copper', { mode: 0o600 });
    const started = await casemate(['up', '--detach', ...instance.flags], {
      CASEMATE_OWNER_EMAIL: 'ada@example.org',
      CASEMATE_OWNER_PASSWORD_FILE: `${instance.data}.password`,
      CASEMATE_RESERVE_MIB: '64',
      CASEMATE_SANDBOX_DISK_MIB: '256',
      RATE_LIMIT_MAX_REQUESTS: '100000',
    });
    assert.equal(started.code, 0, started.output);
    origin = `http://127.0.0.1:${instance.port}`;
    const made = await casemate(['key', 'create', '--scope', '*', '--data', instance.data]);
    key = /e2b_[0-9a-f]{40}/.exec(made.output)?.[0] ?? '';
    const workspace = await api('POST', '/workspaces', { name: 'counts' });
    assert.equal(workspace.status, 201, workspace.text);
    const terminal = await api('POST', `/workspaces/${String(workspace.json['id'])}/terminals`, {});
    assert.equal(terminal.status, 201, terminal.text);
    terminalId = String(terminal.json['id']);
    viewer = await openViewer(origin, key, terminalId, { offset: 0 });
    viewer.type('stty -echo; i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.05; done\n');
    await viewer.until(() => ticks().length > 5);
  },
  { timeout: 120_000 },
);

after(async () => {
  viewer?.close();
  await cleanup.disposeAsync();
});

function step(name: string, work: (t: TestContext) => Promise<void>): void {
  void test(name, { timeout: 120_000 }, async (t) => (reason ? t.skip(reason) : work(t)));
}

/** Takes what room there is, in ever smaller pieces. */
function fillBytes(file: string): void {
  const descriptor = openSync(file, 'a');
  for (const size of [1_048_576, 65_536, 4096]) {
    try {
      for (;;) if (writeSync(descriptor, Buffer.alloc(size, 'x')) < size) break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(descriptor);
}

step(
  'H16 a disk that is full stalls programs with a notice, is told clearly, loses nothing, and passes by itself',
  async () => {
    assert.equal(await make(), 201);
    const ballast = join(instance.data, 'ballast');
    fillBytes(ballast);
    const fulls = viewer.frames.length;
    const refill = setInterval(() => fillBytes(ballast), 300);
    try {
      const statuses: number[] = [];
      for (let tries = 0; tries < 3; tries += 1) statuses.push(await makeAndStart());
      assert.ok(statuses.includes(507), String(statuses));
      await fillWriteAheadLog();
      for (let tries = 0; tries < 6; tries += 1) {
        await make();
        await delay(150);
      }
      if (viewer.socket.readyState === viewer.socket.OPEN) {
        await viewer.until(() =>
          viewer.frames.slice(fulls).some((frame) => frame.kind === 'notice' && frame.code === 'no_space'),
        );
      }
    } finally {
      clearInterval(refill);
      rmSync(ballast);
    }
    await recovered();
    await countsOn();
  },
);

step('a disk without inodes is told clearly, loses nothing, and passes by itself', async () => {
  const ballast = join(instance.data, 'ballast');
  mkdirSync(ballast);
  try {
    for (let file = 0; ; file += 1) writeFileSync(join(ballast, String(file)), '');
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
  try {
    const statuses: number[] = [];
    for (let tries = 0; tries < 3; tries += 1) statuses.push(await makeAndStart());
    assert.ok(statuses.includes(507), String(statuses));
    await countsOn();
  } finally {
    rmSync(ballast, { recursive: true });
  }
  await recovered();
});

step(
  'kill -9 of PostgreSQL under requests breaks off none without an answer, and loses nothing acknowledged',
  async () => {
    const pid = instance.pid('PostgreSQL');
    const burst = Array.from({ length: 20 }, async (_, at) => {
      await delay(at * 20);
      return make();
    });
    await delay(150);
    process.kill(pid, 'SIGKILL');
    await Promise.all(burst);
    await recovered();
    await countsOn();
  },
);

const sockets: readonly (readonly [string, string])[] = [
  ['server', 'run/server/admin.sock'],
  ['warden', 'run/warden/warden.sock'],
  ['keeper', 'run/keeper/keeper.sock'],
  ['broker', 'run/broker/broker.sock'],
];

/** Sets the limits of a process, as its own user: a container's root may not do it to others. */
function limitDescriptors(pid: number, limits: string): void {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const id = (of: string): string => new RegExp(`^${of}:\\t(\\d+)`, 'm').exec(status)?.[1] ?? '';
  const as = ['--reuid', id('Uid'), '--regid', id('Gid'), '--clear-groups'];
  run('setpriv', ...as, 'prlimit', '--pid', String(pid), `--nofile=${limits}`);
}

step('processes without descriptors left live on, and accept again when they have some', async () => {
  const pids = ownProcesses(instance);
  const undo: (() => void)[] = [];
  try {
    for (const [name, path] of sockets) {
      const pid = pids.get(name);
      assert.ok(pid !== undefined, name);
      const [, soft = '', hard = ''] =
        /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1')) ?? [];
      limitDescriptors(pid, `16:${hard}`);
      undo.push(() => limitDescriptors(pid, `${soft}:${hard}`));
      for (let count = 0; count < 60; count += 1) {
        const at = join(instance.data, path);
        const socket = name === 'server' && count % 2 === 0 ? connect(instance.port, '127.0.0.1') : connect(at);
        socket.on('error', () => undefined);
        undo.push(() => socket.destroy());
      }
    }
    // Longer than the looks of the warden's own that need a descriptor.
    await delay(2500);
  } finally {
    for (const back of undo) back();
  }
  for (const [name] of sockets) assert.equal(ownProcesses(instance).get(name), pids.get(name), `the ${name} ended`);
  await recovered();
  await countsOn();
});

step('clients that say nothing, on every socket at once, keep nobody waiting', async () => {
  const silent = sockets.flatMap(([, path]) =>
    Array.from({ length: 6 }, () => connect(join(instance.data, path)).on('error', () => undefined)),
  );
  const halves = Array.from({ length: 40 }, (_, at) => {
    const socket = connect(instance.port, '127.0.0.1').on('error', () => undefined);
    socket.write(
      at % 2 === 0 ? 'GET /readyz HT' : 'POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n',
    );
    return socket;
  });
  try {
    await delay(300);
    const beganAt = performance.now();
    assert.equal(await make(), 201);
    await countsOn();
    assert.ok(performance.now() - beganAt < 10_000);
  } finally {
    for (const socket of [...silent, ...halves]) socket.destroy();
  }
});
