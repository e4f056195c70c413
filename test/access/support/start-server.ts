import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerConfig } from '#config/process.ts';
import { startDatabase, type TestDatabase } from '../../support/start-database.ts';

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

/** A real server process on a fresh database. The warden, the keeper and the broker are absent. */
export async function startServer(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'casemate-access-'));
  const database = await startDatabase();
  const port = await freePort();
  for (const name of ['run', 'run/server', 'vault', 'recordings', 'web'])
    await mkdir(join(directory, name), { mode: 0o700 });
  await mkdir(join(directory, 'web/assets'));
  await writeFile(join(directory, 'web/index.html'), '<!doctype html><title>Casemate</title>');
  await writeFile(join(directory, 'web/assets/index-abc123.js'), 'export {};\n');
  await writeFile(join(directory, 'secret'), randomBytes(32).toString('base64'));
  const config: ServerConfig = {
    host: '127.0.0.1',
    port,
    listeners: null,
    production: false,
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
    database: { app: database.app, auth: database.auth },
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
  return {
    origin: `http://127.0.0.1:${port}`,
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
