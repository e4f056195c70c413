import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { SecretDescription } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import type { Policy } from '#contract/policy.ts';
import { startGitServer } from '../support/git-server.ts';
import { rawRequest } from '../support/raw-request.ts';
import { runProgram } from '../support/run-program.ts';
import { newTeamId, type RunningBroker, startBroker, type TestDoor } from '../support/start-broker.ts';
import { makeCertificate, startUpstream, type TestCertificate, type Upstream } from '../support/upstream.ts';

const models: Policy = { sets: ['models'], allow: [], deny: [] };
const realKey = 'sk-ant-api03-the-real-one';

let directory: string;
let certificate: TestCertificate;
let upstream: Upstream;
let secure: Upstream;
let broker: RunningBroker;
let door: TestDoor;

const secret = (kind: SecretDescription['kind'], baseUrl: string, of: TestDoor = door): SecretDescription => ({
  teamId: of.teamId,
  name: kind,
  kind,
  baseUrl,
  userName: 'x-access-token',
});
const plainBase = (prefix = ''): string => `http://127.0.0.2:${upstream.port}${prefix}`;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'casemate-broker-credentials-'));
  certificate = await makeCertificate(directory, 'DNS:localhost');
  upstream = await startUpstream();
  secure = await startUpstream({ host: '127.0.0.1', tls: certificate });
  broker = await startBroker({
    privateDestinations: [
      { host: '127.0.0.2', port: upstream.port },
      { host: 'localhost', port: secure.port },
    ],
    caFile: certificate.caFile,
  });
});

beforeEach(async () => {
  door = await broker.openDoor(models);
  upstream.requests.length = 0;
  secure.requests.length = 0;
});

after(async () => {
  await broker[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const ask = (target: string, headers: readonly string[] = [], method = 'GET'): Promise<string> =>
  rawRequest(
    door.port,
    [`${method} ${target} HTTP/1.1`, 'Host: 127.0.0.1:3128', 'Connection: close', ...headers, '', ''].join('\r\n'),
  );

test('H11 the real key is added outside, and every credential of the guest is dropped', async () => {
  await broker.setSecret(secret('anthropic', plainBase('/base')), realKey);
  const guest = [
    'X-Api-Key: guest-1',
    'x-api-key: guest-2',
    'Authorization: Bearer guest-3',
    'Cookie: session=guest-4',
    'Proxy-Authorization: Basic guest-5',
    'Api-Key: guest-6',
    'anthropic-version: 2023-06-01',
  ];
  assert.match(await ask('/anthropic/v1/messages?beta=true', guest), /^HTTP\/1\.1 200 /);
  const seen = upstream.requests[0];
  assert.equal(seen?.url, '/base/v1/messages?beta=true');
  assert.equal(seen?.headers['x-api-key'], realKey);
  assert.equal(seen?.headers['anthropic-version'], '2023-06-01');
  assert.equal(seen?.headers['host'], `127.0.0.2:${upstream.port}`);
  assert.doesNotMatch(JSON.stringify(seen?.rawHeaders), /guest-/);
});

test('H11 a subscription token and an OpenAI key travel as bearer tokens, over verified TLS', async () => {
  await broker.setSecret(secret('anthropic', `https://localhost:${secure.port}`), 'sk-ant-oat01-token');
  await broker.setSecret(secret('openai', `https://localhost:${secure.port}/v1`), 'sk-openai');
  await ask('/anthropic/v1/messages', ['anthropic-beta: context-1m']);
  await ask('/openai/responses', ['Authorization: Bearer placeholder']);
  assert.equal(secure.requests[0]?.headers['authorization'], 'Bearer sk-ant-oat01-token');
  assert.equal(secure.requests[0]?.headers['x-api-key'], undefined);
  assert.equal(secure.requests[0]?.headers['anthropic-beta'], 'context-1m, oauth-2025-04-20');
  assert.equal(secure.requests[1]?.url, '/v1/responses');
  assert.equal(secure.requests[1]?.headers['authorization'], 'Bearer sk-openai');
});

test('H12 a certificate that no authority vouches for ends the request before the key is sent', async () => {
  await using other = await startBroker({ privateDestinations: [{ host: 'localhost', port: secure.port }] });
  const own = await other.openDoor(models);
  await other.setSecret(secret('anthropic', `https://localhost:${secure.port}`, own), realKey);
  const answer = await rawRequest(own.port, 'GET /anthropic/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.equal(secure.requests.length, 0);
});

test('H11 an answer sets no cookies, reflects no credential in its fields, and its redirects are not followed', async () => {
  await broker.setSecret(secret('anthropic', plainBase()), realKey);
  upstream.answer((request, reply) => {
    request.resume();
    reply.writeHead(302, {
      'set-cookie': 'a=1',
      location: `http://127.0.0.1:3128/git/x?key=${realKey}`,
      'x-echo': `Bearer ${realKey}`,
      'x-kept': 'yes',
    });
    reply.end();
  });
  const answer = await ask('/anthropic/v1/models');
  assert.match(answer, /^HTTP\/1\.1 302 /);
  assert.match(answer, /x-kept: yes/);
  assert.doesNotMatch(answer, /set-cookie|the-real-one/i);
  assert.equal(upstream.requests.length, 1);
  assert.match(await ask('/anthropic/v1/models', [], 'TRACE'), /^HTTP\/1\.1 405 /);
  assert.equal(upstream.requests.length, 1);
  upstream.answer((request, reply) => {
    request.resume();
    request.on('end', () => reply.end('{}'));
  });
});

test('without a secret the endpoint names the command that stores one', async () => {
  const answer = await ask('/anthropic/v1/messages');
  assert.match(answer, /^HTTP\/1\.1 404 /);
  assert.match(answer, /casemate secret set anthropic/);
  assert.match(await ask('/git/github.com/a/b.git/info/refs'), /casemate secret set/);
  assert.match(await ask('/'), /^HTTP\/1\.1 404 [\s\S]*HTTP proxy/);
  assert.match(await ask('/anthropicx/v1'), /^HTTP\/1\.1 404 /);
});

test("one team's secret is not used for another team, and policy and deny stand above it", async () => {
  await broker.setSecret(secret('anthropic', plainBase()), realKey);
  const stranger = await broker.openDoor(models);
  const asked = await rawRequest(stranger.port, 'GET /anthropic/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(asked, /^HTTP\/1\.1 404 /);
  await broker.setPolicy(door, { sets: ['git'], allow: [], deny: [] });
  assert.match(await ask('/anthropic/v1'), /^HTTP\/1\.1 403 /);
  const host = { host: '127.0.0.2', ports: [upstream.port] };
  await broker.setPolicy(door, { sets: [], allow: [host], deny: [] });
  assert.match(await ask('/anthropic/v1'), /^HTTP\/1\.1 200 /);
  await broker.setPolicy(door, { sets: ['models'], allow: [], deny: [host] });
  assert.match(await ask('/anthropic/v1'), /^HTTP\/1\.1 403 [\s\S]*denied by 127\.0\.0\.2/);
  await broker.setPolicy(door, models);
  await broker.channel.call('secret.drop', { teamId: door.teamId, name: 'anthropic' });
  assert.match(await ask('/anthropic/v1'), /^HTTP\/1\.1 404 /);
});

test('H11 a path that could lead out of the base URL is refused', async () => {
  await broker.setSecret(secret('anthropic', plainBase('/tenant/a')), realKey);
  for (const rest of ['/../b', '/%2e%2e/b', '/v1/.%2E/../b', '/..%2fb', '/..%5cb', '/..\\b', '/./b', '/..']) {
    assert.match(await ask(`/anthropic${rest}`), /^HTTP\/1\.1 400 /, rest);
  }
  assert.equal(upstream.requests.length, 0);
  assert.match(await ask('/anthropic/v1/a..b/...?x=../y'), /^HTTP\/1\.1 200 /);
  assert.match(await ask('/anthropic//elsewhere.example/x'), /^HTTP\/1\.1 200 /);
  assert.equal(upstream.requests[1]?.url, '/tenant/a//elsewhere.example/x');
});

test("H11 the guest's own account is dropped on the plain proxy too where the team has a credential", async () => {
  const host = { host: '127.0.0.2', ports: [upstream.port] };
  await broker.setPolicy(door, { sets: [], allow: [host], deny: [] });
  await ask(plainBase('/x'), ['Authorization: Bearer guest']);
  assert.equal(upstream.requests[0]?.headers['authorization'], 'Bearer guest');
  await broker.setSecret(secret('anthropic', plainBase()), realKey);
  await ask(plainBase('/x'), ['Authorization: Bearer guest']);
  assert.equal(upstream.requests[1]?.headers['authorization'], undefined);
  assert.equal(upstream.requests[1]?.headers['x-api-key'], undefined);
});

test('git clones through /git with the credential added outside', async () => {
  const root = path.join(directory, 'repositories');
  const environment = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
  const git = (...argv: string[]) => runProgram('git', argv, { environment });
  await git('init', '-q', '--bare', '-b', 'main', path.join(root, 'group/r.git'));
  await using server = await startGitServer({ directory: root, password: 'git-password' });
  await using other = await startBroker({ privateDestinations: [{ host: server.host, port: server.port }] });
  const own = await other.openDoor({ sets: ['git'], allow: [], deny: [] });
  const authority = `${server.host}:${server.port}`;
  const clone = (to: string) =>
    runProgram('git', ['clone', '-q', `https://${authority}/group/r.git`, path.join(directory, to)], {
      environment: {
        ...environment,
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: `url.${own.url}/git/${authority}/.insteadOf`,
        GIT_CONFIG_VALUE_0: `https://${authority}/`,
      },
    });
  assert.notEqual((await clone('without')).code, 0);
  await other.setSecret(secret('git', `http://${authority}/group`, own), 'git-password');
  const cloned = await clone('with');
  assert.equal(cloned.code, 0, cloned.stderr);
  const basic = `Basic ${Buffer.from('x-access-token:git-password').toString('base64')}`;
  assert.ok(server.requests.length > 0 && server.requests.every(({ authorization }) => authorization === basic));
  const outside = await rawRequest(
    own.port,
    `GET /git/${authority}/grouped/x.git HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  assert.match(outside, /^HTTP\/1\.1 404 /);
});

test('a secret that is for another broker, team or address, or may not travel in clear, is not stored', async () => {
  const refused = (error: unknown): boolean => error instanceof CasemateError && error.code === 'invalid_request';
  const { reply } = await broker.channel.call('broker.health', {});
  const { sealSecret } = await import('#seal/secret.ts');
  const description = secret('anthropic', plainBase());
  const sealed = sealSecret(Buffer.from(reply.publicKey, 'base64'), description, realKey).toString('base64');
  for (const changed of [
    { teamId: newTeamId() },
    { baseUrl: `http://127.0.0.2:${upstream.port}/x` },
    { name: 'other' },
  ]) {
    await assert.rejects(
      broker.channel.call('secret.set', { description: { ...description, ...changed }, sealed }),
      refused,
    );
  }
  await assert.rejects(broker.setSecret(secret('anthropic', 'http://api.example'), realKey), refused);
  await assert.rejects(broker.setSecret(secret('anthropic', 'https://user:pass@api.example'), realKey), refused);
  for (const value of ['a\r\nX-Injected: 1', 'a\0', '', ' ', 'ключ']) {
    await assert.rejects(broker.setSecret(description, value), refused, JSON.stringify(value));
  }
});

test('H11 neither files, output nor journal of the broker hold a secret in clear, and its state is its own', async () => {
  await broker.setSecret(secret('anthropic', plainBase()), realKey);
  await ask('/anthropic/v1/messages');
  const files = await readdir(broker.directory, { recursive: true, withFileTypes: true });
  let looked = 0;
  for (const file of files.filter((entry) => entry.isFile())) {
    const full = path.join(file.parentPath, file.name);
    assert.ok(!(await readFile(full)).includes('the-real-one'), full);
    if (full.startsWith(broker.config.stateDirectory)) {
      assert.equal((await stat(full)).mode & 0o777, 0o600, full);
      looked += 1;
    }
  }
  assert.ok(looked >= 3);
  assert.equal((await stat(broker.config.stateDirectory)).mode & 0o777, 0o700);
  assert.doesNotMatch(broker.output(), /the-real-one/);
});
