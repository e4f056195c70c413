import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Config } from '#config/config.ts';
import { loadConfig } from '#config/load.ts';
import type { ToServer } from '#contract/server-supervision.ts';
import { createPlainDoor } from '#http/plain-door.ts';
import { type InstanceCertificates, instanceCertificates } from '#main/certificates/instance-certificates.ts';
import { issueServer } from '#main/certificates/issue.ts';
import { dataPaths, type DataPaths } from '#main/up/paths.ts';
import { ensureUsers, type Users } from '#main/up/users.ts';
import { type Pebble, startPebble } from '../support/pebble.ts';
import { type RunningBroker, startBroker } from '../support/start-broker.ts';

const run = promisify(execFile);
const release = path.resolve(import.meta.dirname, '../..');
const domain = 'code.example.org';

let directory: string;
let pebble: Pebble;
let broker: RunningBroker;
let users: Users;
let paths: DataPaths;
let impostor: ReturnType<typeof createTlsServer>;
let impostorPort: number;
const door = (): string => path.join(broker.config.runDirectory, 'certificates.sock');
const answers = new Map<string, string>();
let plain: ReturnType<typeof createPlainDoor>;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'casemate-acme-'));
  await chmod(directory, 0o755);
  users = await ensureUsers();
  pebble = await startPebble(directory);
  const pair = await issueServer({ names: ['localhost'], days: 1, authority: null });
  impostor = createTlsServer({ cert: pair.certificate, key: pair.key }, (_request, response) => response.end('{}'));
  impostor.listen(0, '127.0.0.1');
  await once(impostor, 'listening');
  impostorPort = (impostor.address() as AddressInfo).port;
  const destinations = [pebble.port, impostorPort].map((port) => ({ host: 'localhost', port }));
  broker = await startBroker({
    caFile: pebble.caFile,
    privateDestinations: destinations,
    processDoors: [{ process: 'certificates', uid: users.acme.uid, destinations }],
  });
  // As `up` lays it out: the group of the one user may pass.
  await chmod(broker.directory, 0o711);
  await chmod(broker.config.runDirectory, 0o711);
  await chown(door(), 0, users.acme.gid);
  paths = dataPaths(path.join(directory, 'd'));
  for (const made of [paths.root, paths.tls, paths.log, paths.run.root]) await mkdir(made, { mode: 0o711 });
  plain = createPlainDoor({
    origin: `https://${domain}`,
    hosts: [domain, `*.${domain}`],
    challengeAnswer: (token) => answers.get(token),
    app: (_request, response) => response.end(),
    upgrade: (_request, socket) => socket.destroy(),
  });
  plain.listen(pebble.httpPort, '127.0.0.1');
  await once(plain, 'listening');
});
after(async () => {
  await pebble[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  for (const server of [plain, impostor]) {
    server.closeAllConnections();
    server.close();
  }
  await rm(directory, { recursive: true, force: true });
});

/** What casemate-acme gets at the door. */
async function ask(target: string, identity = users.acme): Promise<{ status: number; text: string }> {
  const curl = ['curl', '-s', '-m', '10', '--unix-socket', door(), '--request-target', target, '-w', '\n%{http_code}'];
  const drop = [`--reuid=${identity.uid}`, `--regid=${identity.gid}`, '--clear-groups', '--'];
  const { stdout } = await run('setpriv', [...drop, ...curl, 'http://door/']).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? '',
  }));
  const lines = stdout.split('\n');
  return { status: Number(lines.at(-1)), text: lines.slice(0, -1).join('\n') };
}

test('H12 the door of a process admits one user, reaches what the configuration names, and verifies TLS itself', async () => {
  const reached = await ask(pebble.directory);
  assert.equal(reached.status, 200);
  assert.match(reached.text, /newNonce/);
  for (const identity of [users.server, users.keeper, { uid: 0, gid: 0 }]) {
    assert.equal((await ask(pebble.directory, identity)).status, 0, `uid ${identity.uid}`);
  }
  const named = await ask('https://elsewhere.example/');
  assert.equal(named.status, 403);
  assert.match(named.text, /not in the configuration/);
  assert.equal((await ask(`https://127.0.0.1:${pebble.port}/dir`)).status, 403, 'the same place by another name');
  assert.equal((await ask(`http://localhost:${pebble.port}/dir`)).status, 400);
  assert.equal((await ask('/anthropic/v1/messages')).status, 400);
  const unverified = await ask(`https://localhost:${impostorPort}/`);
  assert.equal(unverified.status, 502);
  assert.match(unverified.text, /certificate/);
  const connect = request({ socketPath: door(), method: 'CONNECT', path: `localhost:${pebble.port}` });
  await assert.rejects(once(connect, 'connect'), 'root is not that user');
  connect.end();

  const records = await broker.journal();
  const of = (kind: string) => records.filter((record) => record.kind === kind).map(({ data }) => data);
  assert.deepEqual(of('process-egress.allowed')[0], {
    process: 'certificates',
    method: 'GET',
    host: 'localhost',
    port: pebble.port,
    reason: 'allowed by configuration',
  });
  assert.equal(of('process-egress.refused')[0]?.['host'], 'elsewhere.example');
  assert.ok(of('process-egress.closed').length >= 1);
});

function configured(environment: Record<string, string>): Config {
  return loadConfig({
    flags: { domain, host: '127.0.0.1', port: '8443', 'http-port': String(pebble.httpPort) },
    environment: { CASEMATE_ACME_DIRECTORY: pebble.directory, ...environment },
    file: null,
    sealed: {},
    readSecret: () => '',
  });
}

interface Ordered {
  readonly certificates: InstanceCertificates;
  readonly said: string[];
  readonly told: ToServer[];
}

/** Begins, and waits until the first order is over. */
async function begin(environment: Record<string, string>, onChallenge?: () => void): Promise<Ordered> {
  const over = Promise.withResolvers<void>();
  const said: string[] = [];
  const told: ToServer[] = [];
  const certificates = await instanceCertificates({
    tasks: null,
    config: configured(environment),
    paths: { ...paths, run: { ...paths.run, certificates: broker.config.runDirectory } },
    users,
    release,
    say: (text) => void said.push(text),
    changed: () => over.resolve(),
    tell(message) {
      told.push(message);
      if (message.type !== 'challenge') return;
      if (message.answer === null) answers.delete(message.token);
      else answers.set(message.token, message.answer);
      onChallenge?.();
    },
  });
  certificates.begin();
  await over.promise;
  certificates[Symbol.dispose]();
  return { certificates, said, told };
}

const namesOf = (certificate: string): string => new X509Certificate(certificate).subjectAltName ?? '';
const served = ({ certificates }: Ordered): string => {
  const greeting = certificates.greetings()[0];
  assert.equal(greeting?.type, 'certificates');
  return greeting.pairs[0]?.certificate ?? '';
};

test('H12 a certificate is ordered by a process without privileges and without a network', {
  timeout: 60_000,
}, async () => {
  await rm(path.join(broker.config.runDirectory, 'door.sock'), { force: true });
  await run('ln', ['-s', door(), path.join(broker.config.runDirectory, 'door.sock')]);
  const seen: Record<string, string>[] = [];
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'latin1');
    } catch {
      // Processes end while they are looked at.
      return '';
    }
  };
  // At once: the process waits until its challenge is placed.
  const look = (): void => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const line = read(`/proc/${pid}/cmdline`);
      if (!line.includes('src/main/acme.ts') || line.startsWith('unshare')) continue;
      const status = read(`/proc/${pid}/status`);
      const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
      const routes = read(`/proc/${pid}/net/dev`);
      seen.push({
        uid: field('Uid').split('\t')[0] ?? '',
        effective: field('CapEff'),
        noNewPrivileges: field('NoNewPrivs'),
        seccomp: field('Seccomp'),
        interfaces: routes
          .split('\n')
          .slice(2)
          .map((row) => row.split(':')[0]?.trim() ?? '')
          .filter(Boolean)
          .join(' '),
      });
    }
  };
  const ordered = await begin({}, look);
  assert.deepEqual(ordered.certificates.state[0]?.problem, null, ordered.said.join('\n'));
  const certificate = served(ordered);
  assert.equal(namesOf(certificate), `DNS:${domain}, DNS:api.${domain}`);
  const chain = certificate.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const top = new X509Certificate(chain.at(-1) ?? '');
  assert.ok(top.checkIssued(new X509Certificate(await pebble.root())), 'the authority signed it');
  assert.ok(
    ordered.told.some((message) => message.type === 'certificates' && message.pairs[0]?.certificate === certificate),
  );
  assert.equal(answers.size, 0, 'the challenges are taken back');
  for (const name of ['account.key', `acme-${domain}.pem`]) {
    const file = await stat(path.join(paths.tls, name));
    assert.deepEqual([file.uid, file.mode & 0o777], [0, 0o600], name);
  }
  assert.ok(seen.length > 0);
  for (const process of seen) {
    assert.deepEqual(process, {
      uid: String(users.acme.uid),
      effective: '0000000000000000',
      noNewPrivileges: '1',
      seccomp: '2',
      interfaces: 'lo',
    });
  }
  const text = [await readFile(path.join(paths.log, 'acme.log'), 'utf8'), ...ordered.said].join('\n');
  assert.ok(!text.includes('PRIVATE KEY'));
});

test("H12 a wildcard comes by the operator's hook, which has no privileges and gets arguments, not a shell", {
  timeout: 60_000,
}, async () => {
  const hook = path.join(directory, 'hook');
  const log = path.join(directory, 'hook.log');
  await writeFile(log, '');
  await chown(log, users.hook.uid, users.hook.gid);
  await writeFile(
    hook,
    `#!/bin/sh
printf '%s %s %s %s %s\\n' "$(id -u)" "$#" "$1" "$2" "$(env | grep -c -i casemate)" >> ${log}
if [ "$1" = set ]; then path=set-txt; else path=clear-txt; fi
exec curl -sf -m 5 -d "{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}" http://127.0.0.1:${pebble.managementPort}/$path
`,
    { mode: 0o755 },
  );
  const ordered = await begin({ CASEMATE_DNS_HOOK: hook });
  assert.deepEqual(ordered.certificates.state[0]?.problem, null, ordered.said.join('\n'));
  assert.equal(namesOf(served(ordered)).split(', ').toSorted().join(' '), `DNS:*.${domain} DNS:${domain}`);
  const calls = (await readFile(log, 'utf8')).trim().split('\n').toSorted();
  const call = (action: string) => `${users.hook.uid} 3 ${action} _acme-challenge.${domain} 0`;
  assert.deepEqual(calls, [call('remove'), call('remove'), call('set'), call('set')]);
});

test('a hook or an authority that fails leaves what is served, and says why', { timeout: 60_000 }, async () => {
  const store = path.join(paths.tls, `acme-${domain}.pem`);
  const kept = await readFile(store, 'utf8');
  const failing = path.join(directory, 'failing');
  await writeFile(failing, '#!/bin/sh\necho "the zone is locked" >&2\nexit 7\n', { mode: 0o755 });
  await rm(store);
  const hooked = await begin({ CASEMATE_DNS_HOOK: failing });
  assert.match(hooked.certificates.state[0]?.problem ?? '', /the DNS hook ended with 7: the zone is locked/);
  await writeFile(store, kept, { mode: 0o600 });
  await pebble.stop();
  const away = await begin({});
  assert.match(away.certificates.state[0]?.problem ?? '', /could not be reached|refused|broke/);
  assert.match(away.said.at(-1) ?? '', /What is served is kept; tried again in \d+ minutes/);
  assert.equal(await readFile(store, 'utf8'), kept);
});
