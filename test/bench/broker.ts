import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../support/run-program.ts';
import { startBroker } from '../support/start-broker.ts';
import { startUpstream } from '../support/upstream.ts';
import { percentile } from './percentile.ts';
import type { BenchRow } from './row.ts';

const release = process.env.CASEMATE_SOURCE;
const rounds = 6;
const requestsPerRound = 200;
const transfers = 9;
const transferMiB = 192;
const block = Buffer.alloc(262_144, 'casemate');

/** One request, in ms until its whole answer is there. */
function timed(options: RequestOptions): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    request(options, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`status ${answer.statusCode}`));
      answer.resume().on('end', () => resolve(performance.now() - started));
    })
      .on('error', reject)
      .end();
  });
}

/** MiB/s of a transfer by curl, which is the same program whichever way it goes. */
async function transfer(url: string, ...options: readonly string[]): Promise<number> {
  const written = '%{speed_download} %{speed_upload}';
  const { stdout } = await runProgram('curl', ['-sS', '-o', '/dev/null', '-w', written, ...options, url]);
  return Math.max(...stdout.split(' ').map(Number)) / 1_048_576;
}

const kilobytes = (file: string, name: string): number =>
  (Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'latin1'))?.[1]) * 1024) / 1000;

/** Reads a process's PSS again and again, which the kernel keeps no highest value of. MB. */
function watchMemory(pid: number): { highest(): number } & Disposable {
  let highest = 0;
  const timer = setInterval(() => {
    highest = Math.max(highest, kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss') / 1000);
  }, 20);
  return { highest: () => highest, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Whether a door takes connections at all; a closed one would make every figure look fast. */
const reachable = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve())).on('error', reject);
  });

/** Requests and bytes by way of the broker, policy, address guard and journal included, against none of it. */
export async function measureBroker(): Promise<BenchRow[]> {
  await using upstream = await startUpstream();
  upstream.answer((incoming, reply) => {
    if (incoming.method === 'PUT') return void incoming.resume().on('end', () => reply.end('ok'));
    if (incoming.url !== '/large') return void reply.end('ok');
    reply.writeHead(200, { 'content-length': String(transferMiB * 1_048_576) });
    let left = (transferMiB * 1_048_576) / block.length;
    const pour = (): void => {
      while (left > 0) {
        left -= 1;
        if (!reply.write(block)) return void reply.once('drain', pour);
      }
      reply.end();
    };
    pour();
  });
  await using broker = await startBroker({
    privateDestinations: [{ host: '127.0.0.2', port: upstream.port }],
    // What people run, where the launcher prepared it.
    ...(release ? { entry: join(release, 'dist/main/broker.js') } : {}),
  });
  const policy = { sets: [], allow: [{ host: '127.0.0.2', ports: [upstream.port] }], deny: [] };
  const door = await broker.openDoor(policy);
  await reachable(door.port);
  const pid = broker.child.pid ?? 0;
  using memory = watchMemory(pid);

  const target = `http://127.0.0.2:${upstream.port}`;
  using direct = Object.assign(new Agent({ keepAlive: true }), { [Symbol.dispose]: () => direct.destroy() });
  using proxied = Object.assign(new Agent({ keepAlive: true }), { [Symbol.dispose]: () => proxied.destroy() });
  const times = { direct: [] as number[], proxied: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < requestsPerRound; turn += 1) {
      times.direct.push(await timed({ agent: direct, host: '127.0.0.2', port: upstream.port, path: '/small' }));
    }
    for (let turn = 0; turn < requestsPerRound; turn += 1) {
      const headers = { host: `127.0.0.2:${upstream.port}` };
      times.proxied.push(
        await timed({ agent: proxied, host: '127.0.0.1', port: door.port, path: `${target}/small`, headers }),
      );
    }
  }
  const directory = mkdtempSync(join(tmpdir(), 'casemate-bench-'));
  using _ = { [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
  const file = join(directory, 'upload');
  writeFileSync(file, Buffer.alloc(transferMiB * 1_048_576));
  const upload = ['-T', file, '-H', 'Expect:'];
  const plain = ['--noproxy', '', '-x', door.url];
  const tunnel = [...plain, '--proxytunnel'];
  /** In turns: bytes without the broker, and through it. The highest memory is of all until then. */
  const throughput = async (name: string, options: string[], way: string[], goals: BenchRow['goals']) => {
    const rates = { direct: [] as number[], proxied: [] as number[] };
    for (let turn = 0; turn < transfers; turn += 1) {
      rates.direct.push(await transfer(`${target}/large`, '--noproxy', '*', ...options));
      rates.proxied.push(await transfer(`${target}/large`, ...way, ...options));
    }
    const [value, floor] = [percentile(rates.proxied, 0.5), percentile(rates.direct, 0.5)];
    return { name: `${name}, median`, unit: 'MiB/s', value, floor, goals } satisfies BenchRow;
  };
  const goals = [{ of: 'ratio', atLeast: 0.6 }] as const;
  const tunnelled = [
    await throughput('download through a tunnel', [], tunnel, goals),
    await throughput('upload through a tunnel', upload, tunnel, goals),
  ];
  const beforeForwards = memory.highest();
  const forwarded = [
    await throughput('download of plain HTTP', [], plain, []),
    await throughput('upload of plain HTTP', upload, plain, []),
  ];
  return [
    {
      name: 'request through the broker, p50',
      unit: 'ms',
      value: percentile(times.proxied, 0.5),
      floor: percentile(times.direct, 0.5),
      goals: [{ of: 'value', atMost: 5 }],
    },
    ...tunnelled,
    ...forwarded,
    {
      name: 'memory of the broker at its highest, requests and tunnels, PSS',
      unit: 'MB',
      value: beforeForwards,
      floor: null,
      goals: [{ of: 'value', atMost: 80 }],
    },
    {
      name: 'the same with transfers of plain HTTP',
      unit: 'MB',
      value: memory.highest(),
      floor: null,
      goals: [{ of: 'value', atMost: 80 }],
    },
    {
      name: 'of all of it, files that all Nodes share counted whole, RSS',
      unit: 'MB',
      value: kilobytes(`/proc/${pid}/status`, 'VmHWM') / 1000,
      floor: null,
      goals: [],
    },
  ];
}
