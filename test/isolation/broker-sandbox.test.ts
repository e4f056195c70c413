import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { connectChannel } from '#channel/connect.ts';
import type { BrokerConfig } from '#config/process.ts';
import { brokerMethods } from '#contract/broker.ts';
import { sealSecret } from '#seal/secret.ts';
import { testConfinement } from '../support/confinement.ts';
import { startUpstream } from '../support/upstream.ts';
import { startWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const unprivileged = 65_534;
const entry = path.resolve(import.meta.dirname, '../../src/main/broker.ts');
const realKey = 'sk-ant-api03-never-inside';

test('H11 a program in a real sandbox reaches what its policy names, with a key that is never inside', async (t) => {
  const why = whySandboxesCannotRun();
  if (why !== undefined) {
    t.skip(why);
    return;
  }
  const directory = await mkdtemp('/tmp/casemate-broker-sandbox-');
  t.after(() => rm(directory, { recursive: true }));
  await using upstream = await startUpstream();
  const config: BrokerConfig = {
    runDirectory: `${directory}/run`,
    stateDirectory: `${directory}/state`,
    journalDirectory: `${directory}/journal`,
    privateDestinations: [{ host: '127.0.0.2', port: upstream.port }],
    sets: { git: [], npm: [], pypi: [], debian: [], models: [] },
    caFile: null,
    processDoors: [],
  };
  await chown(directory, unprivileged, unprivileged);
  for (const made of [config.runDirectory, config.stateDirectory, config.journalDirectory]) {
    await mkdir(made);
    await chown(made, unprivileged, unprivileged);
  }
  const configFile = `${directory}/broker.json`;
  await writeFile(configFile, JSON.stringify(config));
  await using warden = await startWarden({
    brokerConfinement: testConfinement([entry, configFile], {
      writable: [config.runDirectory, config.stateDirectory, config.journalDirectory],
    }),
  });
  t.after(() => t.diagnostic(warden.output()));
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  using broker = connectChannel(brokerMethods, { path: `${config.runDirectory}/broker.sock`, log });
  const owned = await warden.create();
  const fetch = (url: string) =>
    warden.run(owned, [
      'python3',
      '-c',
      'import sys, urllib.request, urllib.error\n' +
        'try: r = urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"x-api-key": "guest"}))\n' +
        'except urllib.error.HTTPError as e: r = e\n' +
        'print(r.status, r.read().decode())',
      url,
    ]);

  const url = `http://127.0.0.2:${upstream.port}/x`;
  const before = await fetch(url);
  assert.match(before.stdout, /^403 casemate: refused .*no policy/, before.stderr + warden.output());

  const policy = { sets: ['models' as const], allow: [{ host: '127.0.0.2', ports: [upstream.port] }], deny: [] };
  await broker.call('policy.set', { ...owned, workspaceId: null, policy });
  assert.match((await fetch(url)).stdout, /^200 /);
  const refused = await fetch('http://10.0.0.1/');
  assert.match(refused.stdout, /^403 casemate: refused 10\.0\.0\.1:80: not in the policy/);

  const baseUrl = `http://127.0.0.2:${upstream.port}`;
  const description = { teamId: owned.teamId, name: 'anthropic', kind: 'anthropic', baseUrl, userName: 'x' } as const;
  const { reply } = await broker.call('broker.health', {});
  const sealed = sealSecret(Buffer.from(reply.publicKey, 'base64'), description, realKey).toString('base64');
  await broker.call('secret.set', { description, sealed });
  assert.match((await fetch('http://127.0.0.1:3128/anthropic/v1/messages')).stdout, /^200 /);
  assert.equal(upstream.requests.at(-1)?.headers['x-api-key'], realKey);
  const inside = await warden.run(
    owned,
    'env; cat /proc/*/environ 2>/dev/null; grep -rs never-inside /home /etc /tmp || true',
  );
  assert.match(inside.stdout, /http_proxy=http:\/\/127\.0\.0\.1:3128/i);
  assert.doesNotMatch(inside.stdout, /never-inside/);

  const journal = await broker.call('journal.read', { after: 0, limit: 100, waitMs: 0 });
  const told = journal.reply.records
    .filter(({ kind }) => kind !== 'egress.closed')
    .map(({ kind, data }) => [kind, data['host']]);
  assert.deepEqual(told, [
    ['egress.refused', '127.0.0.2'],
    ['egress.allowed', '127.0.0.2'],
    ['egress.refused', '10.0.0.1'],
    ['egress.allowed', '127.0.0.2'],
  ]);
});
