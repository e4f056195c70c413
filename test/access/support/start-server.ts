import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerConfig } from '#config/process.ts';
import { issueAuthority, issueServer } from '#main/certificates/issue.ts';
import type { CertificatePair, ToServer } from '#contract/server-supervision.ts';
import { startDatabase, type TestDatabase } from '../../support/start-database.ts';
import { trust } from './request-http2.ts';
import { transport } from './transport.ts';

export interface TestServer extends AsyncDisposable {
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  readonly config: ServerConfig;
  readonly adminSocket: string;
  /** As the commands take it in `--data`. */
  readonly data: string;
  readonly database: TestDatabase;
  readonly process: ChildProcess;
  /** What the server told its supervisor as the path of the set-up link. */
  readonly setupPath: string | null;
  readonly log: () => string;
  /** Of WebSockets. */
  readonly socketOrigin: string;
  /** Under TLS: the certificate of the authority that signed the server's. */
  readonly authority: string | undefined;
  /** Signs another certificate. */
  issue(names: readonly string[]): Promise<CertificatePair>;
  /** What `up` tells the server. */
  tell(message: ToServer): void;
}

const root = join(import.meta.dirname, '../../..');

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
};

/** An authority of its own, and what it signs. */
async function testAuthority() {
  const authority = await issueAuthority({ commonName: 'test', names: ['localhost', 'example.org'], days: 2 });
  return {
    certificate: authority.certificate,
    issue: (names: readonly string[]): Promise<CertificatePair> => issueServer({ names, days: 1, authority }),
  };
}

/** A real server process on a fresh database. The warden, the keeper and the broker are absent. */
export async function startServer(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'casemate-access-'));
  const database = await startDatabase();
  const port = overrides.port ?? (await freePort());
  for (const name of ['run', 'run/server', 'vault', 'recordings', 'web'])
    await mkdir(join(directory, name), { mode: 0o700 });
  await mkdir(join(directory, 'web/assets'));
  await writeFile(join(directory, 'web/index.html'), '<!doctype html><title>Casemate</title>');
  await writeFile(join(directory, 'web/assets/index-abc123.js'), 'export {};\n');
  await writeFile(join(directory, 'secret'), randomBytes(32).toString('base64'));
  const tls = overrides.tls ?? transport.http2;
  const authority = await testAuthority();
  const config: ServerConfig = {
    host: '127.0.0.1',
    port,
    production: false,
    tls,
    httpPort: null,
    publicOrigin: null,
    listeners: 'own',
    appHosts: [`127.0.0.1:${port}`, `localhost:${port}`],
    allowedOrigins: [],
    trustProxy: [],
    secureCookies: true,
    rateLimit: { windowMs: 60_000, maximum: 1_000_000 },
    session: { idleMinutes: 60, absoluteHours: 168, maximumConcurrent: 3 },
    maintenance: false,
    webDirectory: join(directory, 'web'),
    runDirectory: join(directory, 'run/server'),
    vaultDirectory: join(directory, 'vault'),
    recordingsDirectory: join(directory, 'recordings'),
    wardenSocket: join(directory, 'warden.sock'),
    keeperSocket: join(directory, 'keeper.sock'),
    brokerSocket: join(directory, 'broker.sock'),
    database: database.logins,
    secretFile: join(directory, 'secret'),
    owner: null,
    defaultResources: { memoryMiB: 512, cpuPercent: 100, processes: 256, diskMiB: 1024, inodes: 65_536 },
    idleStopMinutes: 30,
    sets: { git: [], npm: [], pypi: [], debian: [], models: [] },
    logLevel: 'info',
    ...overrides,
  };
  const configFile = join(directory, 'config.json');
  await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
  const child = fork(join(root, 'src/main/server.ts'), [configFile], { cwd: root, silent: true });
  const tell = (message: ToServer): void => void child.send(message);
  if (tls) tell({ type: 'certificates', pairs: [await authority.issue(['localhost', '127.0.0.1'])] });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const setupPath = await new Promise<string | null>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server was not ready in time\n${output}`)), 30_000);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}\n${output}`)));
    let ready = false;
    child.on('message', (message: { type: string; path?: string }) => {
      if (message.type === 'setup') resolve(message.path ?? null);
      if (message.type === 'ready') {
        ready = true;
        // The set-up link follows at once, where there is one.
        setTimeout(() => resolve(null), 1_000).unref();
      }
      if (ready) clearTimeout(timer);
    });
  });
  const origin = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  if (tls) trust(origin, authority.certificate);
  return {
    origin,
    socketOrigin: `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}`,
    authority: tls ? authority.certificate : undefined,
    issue: authority.issue,
    tell,
    host: `127.0.0.1:${port}`,
    port,
    config,
    adminSocket: join(config.runDirectory, 'admin.sock'),
    data: directory,
    database,
    process: child,
    setupPath,
    log: () => output,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      await database[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
