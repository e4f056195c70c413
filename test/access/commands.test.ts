import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { send } from './support/request.ts';
import { setUp, tokenOf, type Visitor } from './support/people.ts';
import { startServer, type TestServer } from './support/start-server.ts';

const root = join(import.meta.dirname, '../..');
let server: TestServer;
let owner: Visitor;

/** A command as the launcher starts it: a process of its own. */
async function casemate(
  name: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number; out: string; err: string }> {
  const script = `import(${JSON.stringify(join(root, `src/main/cli/${name}.ts`))}).then((command) => command.run(process.argv.slice(1))).then((code) => { process.exitCode = code; })`;
  const child = spawn(process.execPath, ['-e', script, '--', '--data', server.data, ...args], { cwd: root });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

before(async () => {
  server = await startServer();
});
after(() => server[Symbol.asyncDispose]());

test('before set-up, open prints the link and key create says what is missing', async () => {
  const link = await casemate('open', ['--print']);
  assert.equal(link.code, 0, link.err);
  assert.match(link.out, new RegExp(`^http://127\\.0\\.0\\.1:${server.port}/setup#${tokenOf(server)}\n`));
  const early = await casemate('key', ['create', '--scope', '*']);
  assert.equal(early.code, 1);
  assert.match(early.err, /no owner yet/);
  owner = await setUp(server);
  const later = await casemate('open', ['-o', 'json']);
  assert.deepEqual(JSON.parse(later.out), { url: server.origin, setupNeeded: false });
});

test('a key is printed once, works, is listed without its secret, and is revoked', async () => {
  const made = await casemate('key', [
    'create',
    '--scope',
    'system:read',
    '--scope',
    'audit:read',
    '--name',
    'ci',
    '--expires-days',
    '7',
  ]);
  assert.equal(made.code, 0, made.err);
  const secret = made.out.trim();
  assert.match(secret, /^e2b_[0-9a-f]{40}$/);
  assert.equal((await send(server.origin, '/api/v1/system', { headers: { 'x-api-key': secret } })).status, 200);
  const listed = await casemate('key', ['ls', '-o', 'json']);
  assert.ok(!listed.out.includes(secret));
  const [key] = JSON.parse(listed.out) as { id: string; prefix: string; scopes: string[] }[];
  assert.equal(key?.prefix, secret.slice(0, 12));
  assert.deepEqual(key?.scopes, ['system:read', 'audit:read']);
  assert.match((await casemate('key', ['ls'])).out, /^ID .*\n[a-z2-7]{20}  ci /);
  assert.equal((await casemate('key', ['revoke', key?.id ?? ''])).code, 0);
  assert.equal((await send(server.origin, '/api/v1/system', { headers: { 'x-api-key': secret } })).status, 401);
  assert.equal((await casemate('key', ['revoke', key?.id ?? ''])).code, 1);
});

test('what is not understood exits with 2, and a server that is not there with 3', async () => {
  for (const args of [
    ['create'],
    ['create', '--scope', 'everything'],
    ['create', '--scope', '*', '--expires-days', '0'],
    ['delete'],
    ['ls', 'x'],
    ['ls', '--nope'],
    ['ls', '-o', 'yaml'],
  ]) {
    const { code, err } = await casemate('key', args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, /usage: casemate key/);
  }
  const help = await casemate('key', ['--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /--expires-days/);
  const absent = await casemate('key', ['ls', '--data', '/nonexistent']);
  assert.equal(absent.code, 3, absent.err);
  assert.match(absent.err, /casemate up/);
});

test('the trail is exported whole, verified offline, and any change in it is found', async () => {
  await owner.send('GET', '/api/v1/system');
  const exported = await casemate('audit', ['export']);
  assert.equal(exported.code, 0, exported.err);
  const lines = exported.out.trimEnd().split('\n');
  assert.ok(lines.length > 4, exported.out);
  const file = join(server.data, 'trail.jsonl');
  await writeFile(file, exported.out);
  const whole = await casemate('audit', ['verify', file]);
  assert.equal(whole.code, 0, whole.out + whole.err);
  assert.match(whole.out, /every chain is whole/);
  assert.equal((await casemate('audit', ['verify', '-'], exported.out)).code, 0);
  const altered = {
    edited: lines.map((line, index) => (index === 1 ? line.replace(/"outcome":"\w+"/, '"outcome":"failed"') : line)),
    removed: lines.toSpliced(1, 1),
    empty: [],
  };
  for (const [what, text] of Object.entries(altered)) {
    const found = await casemate('audit', ['verify', '-', '-o', 'json'], text.join('\n'));
    assert.equal(found.code, 1, what);
  }
  assert.equal((await casemate('audit', ['verify', '/nonexistent'])).code, 2);
  const newest = await casemate('audit', ['ls', '--event', 'key.created']);
  assert.match(newest.out, /operator created the API key ci/);
});

test('users are listed', async () => {
  assert.match((await casemate('user', ['ls'])).out, /owner@example\.org/);
});

test('secrets come from standard input only, and a broker that is away is told', async () => {
  const argument = await casemate('secret', ['set', 'anthropic', 'sk-secret']);
  assert.equal(argument.code, 2);
  assert.equal((await casemate('secret', ['set', 'anthropic'], '')).code, 2);
  assert.equal((await casemate('secret', ['set', 'mine'], 'x')).code, 2, 'its kind must be said');
  const away = await casemate('secret', ['set', 'anthropic'], 'sk-secret\n');
  assert.equal(away.code, 1, away.out);
  assert.ok(!away.err.includes('sk-secret') && !server.log().includes('sk-secret'));
  assert.deepEqual(JSON.parse((await casemate('secret', ['ls', '-o', 'json'])).out), []);
});

test('the policy of a workspace is shown and changed by its name', async () => {
  await owner.send('POST', '/api/v1/workspaces', { name: 'mine', policy: 'closed' });
  assert.match((await casemate('policy', ['show', 'mine'])).out, /policy +closed/);
  const allowed = await casemate('policy', ['allow', 'mine', 'example.org:443,8443']);
  assert.match(allowed.out, /allow +example\.org:443,8443/, allowed.err);
  assert.match((await casemate('policy', ['set', 'mine', 'coding'])).out, /sets +git npm/);
  assert.equal((await casemate('policy', ['egress', 'mine', '-o', 'json'])).out.trim(), '[]');
  assert.equal((await casemate('policy', ['allow', 'mine', 'http://x'])).code, 2);
  assert.equal((await casemate('policy', ['show', 'nothing'])).code, 2);
});
