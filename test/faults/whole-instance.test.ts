import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { Terminal, Workspace } from '../../src/contract/api.ts';
import { openViewer } from '../e2e-api/support/terminal-viewer.ts';
import { alive, casemate, copyCheckout, lacking, processesOf, temporaryInstance } from '../support/instance.ts';
import { sandboxProcesses } from '../support/process-memory.ts';

const reason = lacking();
let instance: Awaited<ReturnType<typeof temporaryInstance>>;
let key: string;
let terminal: Terminal;
const origin = () => `http://127.0.0.1:${instance.port}`;

async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
  const reply = await fetch(`${origin()}/api/v1${path}`, {
    method,
    headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  assert.ok(reply.ok, `${method} ${path}: ${reply.status} ${text}`);
  return JSON.parse(text) as T;
}

const start = async (): Promise<void> => {
  const started = await casemate(['up', '--detach', ...instance.flags], {
    CASEMATE_OWNER_EMAIL: 'ada@example.org',
    CASEMATE_OWNER_PASSWORD_FILE: join(instance.data, '..', `${instance.port}.password`),
  });
  assert.equal(started.code, 0, started.output);
};

before(
  async () => {
    if (reason) return;
    instance = await temporaryInstance();
    await writeFile(join(instance.data, '..', `${instance.port}.password`), 'umbrella-tadpole-seventeen-copper', {
      mode: 0o600,
    });
    await start();
    const made = await casemate(['key', 'create', '--scope', '*', '--data', instance.data]);
    key = /e2b_[0-9a-f]{40}/.exec(made.output)?.[0] ?? '';
    assert.notEqual(key, '', made.output);
    const workspace = await api<Workspace>('POST', '/workspaces', { name: 'whole' });
    terminal = await api<Terminal>('POST', `/workspaces/${workspace.id}/terminals`, {});
  },
  { timeout: 120_000 },
);

after(async () => {
  if (reason) return;
  await instance[Symbol.asyncDispose]();
  await rm(join(instance.data, '..', `${instance.port}.password`));
});

/** What the counter printed from its beginning, in order and whole, up to now. */
async function countedSoFar(): Promise<number> {
  const viewer = await openViewer(origin(), key, terminal.id, { offset: 0 });
  await viewer.until(() => /tick \d+\r\n/.test(viewer.output().toString()));
  await new Promise((resolve) => setTimeout(resolve, 400));
  const numbers = [
    ...viewer
      .output()
      .toString()
      .matchAll(/tick (\d+)\r\n/g),
  ].map((match) => Number(match[1]));
  viewer.close();
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
  return numbers.length;
}

function step(name: string, work: () => Promise<void>): void {
  void test(name, { timeout: 150_000 }, async (t) => (reason ? t.skip(reason) : work()));
}

step('a program counts in a terminal', async () => {
  const viewer = await openViewer(origin(), key, terminal.id);
  viewer.type('i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.02; done\n');
  await viewer.until(() => viewer.output().includes('tick 20\r\n'));
  viewer.close();
});

for (const part of ['server', 'warden', 'keeper'] as const) {
  step(`kill -9 of the ${part}: it comes back by itself, the program counts on, and no byte is missing`, async () => {
    const before = await countedSoFar();
    const pid = instance.pid(part);
    process.kill(pid, 'SIGKILL');
    await instance.until(`the ${part} is back`, () => {
      const found = instance.status().parts.find(({ name }) => name === part);
      return found?.state === 'ready' && found.pid !== pid;
    });
    await instance.until('the instance is ready', () => instance.status().ready);
    await instance.until('the count goes on', async () => (await countedSoFar()) > before + 20);
  });
}

step('kill -9 of the supervisor: only sandboxes and keeper stay, and the next start adopts them', async () => {
  const before = await countedSoFar();
  const { instance: name } = JSON.parse(await readFile(join(instance.data, 'config/warden.json'), 'utf8')) as {
    instance: string;
  };
  const others = ['server', 'warden', 'PostgreSQL'].map((part) => instance.pid(part));
  const keeper = instance.pid('keeper');
  process.kill(instance.status().pid, 'SIGKILL');
  await instance.until('the others ended', () => others.every((pid) => !alive(pid)));
  assert.ok(alive(keeper));
  assert.ok(sandboxProcesses(name).length >= 2);
  await start();
  assert.equal(instance.pid('keeper'), keeper);
  await instance.until('the count goes on', async () => (await countedSoFar()) > before + 20);
});

step('a restart leaves sandboxes, keeper and terminals running', async () => {
  const before = await countedSoFar();
  const keeper = instance.pid('keeper');
  const restarted = await casemate(['restart', '--data', instance.data]);
  assert.equal(restarted.code, 0, restarted.output);
  await instance.until('it is ready', () => instance.status().ready);
  assert.equal(instance.pid('keeper'), keeper);
  await instance.until('the count goes on', async () => (await countedSoFar()) > before + 20);
});

step('an upgrade from another checkout, the keeper included, loses no byte', async () => {
  const before = await countedSoFar();
  const release = instance.status().release;
  const keeper = instance.pid('keeper');
  const next = await copyCheckout();
  try {
    await appendFile(join(next, 'src/main/keeper.ts'), '\nlog.debug({}, "the next release");\n');
    const upgraded = await casemate(['restart', '--keeper', '--data', instance.data], {}, '', next);
    assert.equal(upgraded.code, 0, upgraded.output);
  } finally {
    await rm(next, { recursive: true });
  }
  await instance.until('it is ready', () => instance.status().ready);
  assert.notEqual(instance.status().release, release);
  assert.notEqual(instance.pid('keeper'), keeper);
  const entry = await readFile(`/proc/${instance.pid('keeper')}/cmdline`, 'utf8');
  assert.ok(entry.includes(instance.status().release), entry);
  await instance.until('the count goes on', async () => (await countedSoFar()) > before + 20);
});

step('an older release than the database is refused, and all goes on with the one that works', async () => {
  const before = await countedSoFar();
  const keeper = instance.pid('keeper');
  const older = await copyCheckout();
  try {
    const last = (await readdir(join(older, 'migrations'))).toSorted().at(-1) ?? '';
    await rm(join(older, 'migrations', last));
    const refused = await casemate(['restart', '--data', instance.data], {}, '', older);
    assert.equal(refused.code, 1, refused.output);
    assert.match(refused.output, /made by a newer release: it has \d{4}-.*start that release or a newer one/);
    assert.match(refused.output, /Sandboxes, terminals and data are as they were/);
  } finally {
    await rm(older, { recursive: true });
  }
  assert.ok(alive(keeper));
  await start();
  assert.equal(instance.pid('keeper'), keeper);
  await instance.until('the count goes on', async () => (await countedSoFar()) > before + 20);
});

step('down leaves no process, mount or control group of the instance', async () => {
  const { instance: name } = JSON.parse(await readFile(join(instance.data, 'config/warden.json'), 'utf8')) as {
    instance: string;
  };
  const stopped = await casemate(['down', '--data', instance.data]);
  assert.equal(stopped.code, 0, stopped.output);
  assert.deepEqual(await processesOf(instance.data), []);
  assert.deepEqual(sandboxProcesses(name), []);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  assert.deepEqual(
    mounts.filter((line) => line.includes(instance.data) || line.includes(`casemate-${name}`)),
    [],
  );
});
