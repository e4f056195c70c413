import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerConfig, type ServerConfig } from '#config/process.ts';
import { type Answer, send } from '../../access/support/request.ts';
import { startDatabase, type TestDatabase } from '../../support/start-database.ts';
import { testConfinement } from '../../support/confinement.ts';
import { startKeeper, type TestKeeper } from '../../support/start-keeper.ts';
import { startWarden, type TestWarden } from '../../support/start-warden.ts';

const root = join(import.meta.dirname, '../../..');
const unprivileged = 65_534;

/** Server, warden, keeper, broker and PostgreSQL, each a process of its own, with an owner and a key. */
export interface TestSystem extends AsyncDisposable {
  readonly origin: string;
  readonly warden: TestWarden;
  readonly keeper: TestKeeper;
  readonly database: TestDatabase;
  readonly config: ServerConfig;
  /** The broker's configuration. */
  readonly brokerFile: string;
  /** An API key of the owner with these scopes. */
  key(scopes: readonly string[]): Promise<string>;
  /** A request to the API as the owner's key, or another one. */
  api(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  /** `kill -9` of the server, and nothing else. */
  killServer(): Promise<void>;
  /** Asks the server to stop, and waits until it has. */
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  log(): string;
  /** What the server told its supervisor to alert the operator of. */
  readonly alerts: readonly string[];
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

export async function startSystem(options: {
  readonly privateDestinations?: BrokerConfig['privateDestinations'];
  readonly sets?: Partial<BrokerConfig['sets']>;
  readonly idleStopMinutes?: number;
}): Promise<TestSystem> {
  await using cleanup = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'casemate-system-'));
  chmodSync(directory, 0o711);
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }));
  const made = (name: string, owner = 0): string => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chownSync(path, owner, owner);
    return path;
  };

  const database = cleanup.use(await startDatabase());
  const keeper = cleanup.use(await startKeeper());
  const sets = { git: [], npm: [], pypi: [], debian: [], models: [], ...options.sets };
  const broker: BrokerConfig = {
    runDirectory: made('broker-run', unprivileged),
    stateDirectory: made('broker-state', unprivileged),
    journalDirectory: made('broker-journal', unprivileged),
    privateDestinations: options.privateDestinations ?? [],
    sets,
    caFile: null,
    processDoors: [],
  };
  const brokerFile = join(directory, 'broker.json');
  writeFileSync(brokerFile, JSON.stringify(broker), { mode: 0o644 });
  const warden = cleanup.use(
    await startWarden({
      config: {
        keeperConsoleDirectory: join(keeper.config.runDirectory, 'console'),
      },
      brokerConfinement: testConfinement([join(root, 'src/main/broker.ts'), brokerFile], {
        writable: [broker.runDirectory, broker.stateDirectory, broker.journalDirectory],
      }),
    }),
  );

  const port = await freePort();
  writeFileSync(join(directory, 'secret'), randomBytes(32).toString('base64'));
  writeFileSync(join(directory, 'password'), 'correct horse battery staple 7\n', { mode: 0o600 });
  const web = made('web');
  mkdirSync(join(web, 'assets'));
  writeFileSync(join(web, 'index.html'), '<!doctype html><title>Casemate</title>');
  const config: ServerConfig = {
    host: '127.0.0.1',
    port,
    production: false,
    tls: false,
    httpPort: null,
    publicOrigin: null,
    listeners: 'own',
    appHosts: [`127.0.0.1:${port}`],
    allowedOrigins: [],
    trustProxy: [],
    secureCookies: true,
    rateLimit: { windowMs: 60_000, maximum: 1_000_000 },
    session: { idleMinutes: 60, absoluteHours: 168, maximumConcurrent: 3 },
    maintenance: false,
    webDirectory: web,
    runDirectory: made('server-run'),
    vaultDirectory: made('vault'),
    recordingsDirectory: keeper.config.recordingsDirectory,
    wardenSocket: join(warden.config.runDirectory, 'warden.sock'),
    keeperSocket: join(keeper.config.runDirectory, 'keeper.sock'),
    brokerSocket: join(broker.runDirectory, 'broker.sock'),
    database: database.logins,
    secretFile: join(directory, 'secret'),
    owner: { email: 'owner@example.org', passwordFile: join(directory, 'password') },
    defaultResources: { memoryMiB: 512, cpuPercent: 200, processes: 128, diskMiB: 256, inodes: 32_768 },
    idleStopMinutes: options.idleStopMinutes ?? 30,
    sets,
    logLevel: 'warn',
  };
  const configFile = join(directory, 'server.json');
  writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });

  let output = '';
  const alerts: string[] = [];
  let child: ChildProcess | undefined;
  const startServer = async (): Promise<void> => {
    const started = fork(join(root, 'src/main/server.ts'), [configFile], { cwd: root, silent: true, execArgv: [] });
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-200_000);
      });
    }
    await new Promise<void>((resolve, reject) => {
      started.once('exit', (code) => reject(new Error(`the server ended with ${code}\n${output}`)));
      started.on('message', (message: { type: string; text?: string }) => {
        if (message.type === 'ready') resolve();
        else if (message.type === 'alert' && message.text) alerts.push(message.text);
      });
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  await startServer();
  cleanup.defer(() => end('SIGTERM'));

  const origin = `http://127.0.0.1:${port}`;
  const key = async (scopes: readonly string[]): Promise<string> => {
    const answer = await send('http://casemate', '/admin/keys', {
      method: 'POST',
      body: { name: 'test', scopes },
      socketPath: join(config.runDirectory, 'admin.sock'),
    });
    if (answer.status !== 201) throw new Error(`no key: ${answer.status} ${answer.text}`);
    return String(answer.json['secret']);
  };
  const ownerKey = await key(['*']);
  const running = cleanup.move();
  return {
    origin,
    warden,
    keeper,
    database,
    config,
    brokerFile,
    key,
    api: (method, path, body, as = ownerKey) =>
      send(origin, `/api/v1${path}`, {
        method,
        headers: { host: `127.0.0.1:${port}`, 'x-api-key': as },
        ...(body === undefined ? {} : { body }),
      }),
    killServer: () => end('SIGKILL'),
    stopServer: () => end('SIGTERM'),
    startServer,
    alerts,
    log: () => `${output}\n${warden.output()}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
