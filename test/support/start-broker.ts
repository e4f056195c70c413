import { type ChildProcess, fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mintId, type SandboxId, type TeamId } from '#base/ids.ts';
import { type Channel, connectChannel } from '#channel/connect.ts';
import type { Log } from '#channel/log.ts';
import type { BrokerConfig } from '#config/process.ts';
import { allocatorEnvironment, brokerYoungMiB, nodeFlagsOf } from '#config/process-memory.ts';
import { brokerMethods, type DoorMessage, type SecretDescription } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import type { JournalRecord } from '#contract/journal.ts';
import type { Policy } from '#contract/policy.ts';
import { sealSecret } from '#seal/secret.ts';

const entry = path.resolve(import.meta.dirname, '../../src/main/broker.ts');
const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };

export const newSandboxId = (): SandboxId => mintId<SandboxId>((bytes) => randomFillSync(bytes));
export const newTeamId = (): TeamId => mintId<TeamId>((bytes) => randomFillSync(bytes));

/** A door as a sandbox sees it, but on a port of the host's loopback. */
export interface TestDoor {
  readonly sandboxId: SandboxId;
  readonly teamId: TeamId;
  readonly port: number;
  /** Value for HTTP_PROXY and the like. */
  readonly url: string;
}

export interface RunningBroker extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly directory: string;
  readonly config: BrokerConfig;
  readonly channel: Channel<typeof brokerMethods>;
  /** What the process wrote to its standard output and error. */
  output(): string;
  /** Hands over a new listening socket; without `policy` the sandbox has none. */
  openDoor(policy?: Policy, identity?: { sandboxId: SandboxId; teamId: TeamId }): Promise<TestDoor>;
  closeDoor(sandboxId: SandboxId): void;
  setPolicy(door: TestDoor, policy: Policy): Promise<void>;
  setSecret(description: SecretDescription, value: string): Promise<void>;
  /** All journal records so far; nothing is acknowledged. */
  journal(): Promise<JournalRecord[]>;
  /** Ends the process and starts another on the same directories; doors must be opened again. */
  restart(signal?: NodeJS.Signals): Promise<void>;
}

export interface StartBrokerOptions {
  readonly privateDestinations?: BrokerConfig['privateDestinations'];
  readonly sets?: Partial<BrokerConfig['sets']>;
  readonly caFile?: string;
  /** Their sockets lie in the run directory. */
  readonly processDoors?: readonly Omit<BrokerConfig['processDoors'][number], 'socket'>[];
  /** The file that starts the broker: the sources' without it. */
  readonly entry?: string;
}

/** Starts a real broker process, in the warden's place: doors are handed over by IPC. */
export async function startBroker(options: StartBrokerOptions = {}): Promise<RunningBroker> {
  const directory = await mkdtemp(path.join(tmpdir(), 'casemate-broker-'));
  const config: BrokerConfig = {
    runDirectory: path.join(directory, 'run'),
    stateDirectory: path.join(directory, 'state'),
    journalDirectory: path.join(directory, 'journal'),
    privateDestinations: options.privateDestinations ?? [],
    sets: { git: [], npm: [], pypi: [], debian: [], models: [], ...options.sets },
    caFile: options.caFile ?? null,
    processDoors: (options.processDoors ?? []).map((door) => ({
      ...door,
      socket: path.join(directory, 'run', `${door.process}.sock`),
    })),
  };
  for (const made of [config.runDirectory, config.stateDirectory, config.journalDirectory]) await mkdir(made);
  const configFile = path.join(directory, 'broker.json');
  await writeFile(configFile, JSON.stringify(config));

  let output = '';
  const launch = async (): Promise<ChildProcess> => {
    const started = fork(options.entry ?? entry, [configFile], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...allocatorEnvironment },
      execArgv: [...nodeFlagsOf(brokerYoungMiB)],
    });
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const first = await Promise.race([once(started, 'message'), once(started, 'exit')]);
    if (typeof first[0] !== 'object') throw new Error(`the broker did not start:\n${output}`);
    return started;
  };
  const halt = async (process: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill(signal);
    await exited;
  };

  let child = await launch();
  const channel = connectChannel(brokerMethods, { path: path.join(config.runDirectory, 'broker.sock'), log: quiet });

  /** The channel notices the end of the old process, and connects to the new one, in its own time. */
  const answering = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) {
      try {
        await channel.call('broker.health', {});
        return;
      } catch (error) {
        if (!(error instanceof CasemateError) || error.code !== 'unavailable') throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    throw new Error(`the broker does not answer:\n${output}`);
  };

  const setPolicy = async (door: Pick<TestDoor, 'sandboxId' | 'teamId'>, policy: Policy): Promise<void> => {
    const { sandboxId, teamId } = door;
    await channel.call('policy.set', { sandboxId, teamId, workspaceId: null, policy });
  };

  return {
    get child() {
      return child;
    },
    directory,
    config,
    channel,
    output: () => output,
    setPolicy,
    async openDoor(policy, { sandboxId, teamId } = { sandboxId: newSandboxId(), teamId: newTeamId() }) {
      const identity = { sandboxId, teamId };
      const listener = createServer();
      listener.listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const address = listener.address();
      if (address === null || typeof address === 'string') throw new Error('the door has no port');
      await send(child, { type: 'door.open', ...identity }, listener);
      listener.close();
      if (policy) await setPolicy(identity, policy);
      else await channel.call('broker.health', {});
      return { ...identity, port: address.port, url: `http://127.0.0.1:${address.port}` };
    },
    closeDoor(sandboxId) {
      child.send({ type: 'door.close', sandboxId } satisfies DoorMessage);
    },
    async setSecret(description, value) {
      const { reply } = await channel.call('broker.health', {});
      const sealed = sealSecret(Buffer.from(reply.publicKey, 'base64'), description, value).toString('base64');
      await channel.call('secret.set', { description, sealed });
    },
    async journal() {
      const records: JournalRecord[] = [];
      for (;;) {
        const after = records.at(-1)?.sequence ?? 0;
        const { reply } = await channel.call('journal.read', { after, limit: 1000, waitMs: 0 });
        if (reply.records.length === 0) return records;
        records.push(...reply.records);
      }
    },
    async restart(signal = 'SIGTERM') {
      await halt(child, signal);
      child = await launch();
      await answering();
    },
    async [Symbol.asyncDispose]() {
      channel.close();
      await halt(child, 'SIGTERM');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The listening socket is the child's alone only once it was sent; closing it earlier would lose it. */
function send(child: ChildProcess, message: DoorMessage, listener: Server): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.send(message, listener, {}, (error) => (error ? reject(error) : resolve()));
  return promise;
}
