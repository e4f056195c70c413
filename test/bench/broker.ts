import { readFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { runProgram } from '../support/run-program.ts';
import { startBroker } from '../support/start-broker.ts';
import { startUpstream } from '../support/upstream.ts';
import { percentile } from './percentile.ts';
import type { BenchRow } from './row.ts';

const release = process.env.CASEMATE_SOURCE;
const rounds = 6;
const requestsPerRound = 200;
const transfers = 5;
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

/** MiB/s of a download by curl, which is the same program both ways. */
async function download(url: string, proxy: readonly string[]): Promise<number> {
  const { stdout } = await runProgram('curl', ['-sS', '-o', '/dev/null', '-w', '%{speed_download}', ...proxy, url]);
  return Number(stdout) / 1_048_576;
}

const residentMB = (pid: number): number =>
  (Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024) / 1_000_000;

/** Whether a door takes connections at all; a closed one would make every figure look fast. */
const reachable = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve())).on('error', reject);
  });

/** Requests and bytes by way of the broker, policy, address guard and journal included, against none of it. */
export async function measureBroker(): Promise<BenchRow[]> {
  await using upstream = await startUpstream();
  upstream.answer((incoming, reply) => {
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
  const rates = { direct: [] as number[], proxied: [] as number[] };
  for (let turn = 0; turn < transfers; turn += 1) {
    rates.direct.push(await download(`${target}/large`, ['--noproxy', '*']));
    rates.proxied.push(await download(`${target}/large`, ['--noproxy', '', '--proxytunnel', '-x', door.url]));
  }
  return [
    {
      name: 'request through the broker, p50',
      unit: 'ms',
      value: percentile(times.proxied, 0.5),
      floor: percentile(times.direct, 0.5),
      goals: [{ of: 'value', atMost: 5 }],
    },
    {
      name: 'download through the broker, median',
      unit: 'MiB/s',
      value: percentile(rates.proxied, 0.5),
      floor: percentile(rates.direct, 0.5),
      goals: [{ of: 'ratio', atLeast: 0.6 }],
    },
    {
      name: 'memory of the broker at its highest',
      unit: 'MB',
      value: residentMB(broker.child.pid ?? 0),
      floor: null,
      goals: [{ of: 'value', atMost: 80 }],
    },
  ];
}
