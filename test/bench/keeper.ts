import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { spawn } from '@lydell/node-pty';
import { CasemateError } from '#contract/errors.ts';
import { listed, openTerminal, until } from '../support/keeper-terminal.ts';
import { startKeeper, type TestKeeper } from '../support/start-keeper.ts';

/**
 * What the keeper costs against a bare PTY of the host (node-pty): echo latency in ms, throughput in
 * MiB/s, and what it uses when nothing happens. Prints one JSON object.
 */
const floodBytes = 64 * 1_048_576;
const flood = `import os, termios
a = termios.tcgetattr(1); a[1] &= ~termios.OPOST; termios.tcsetattr(1, termios.TCSANOW, a)
data, left = b"x" * 65536, ${floodBytes}
while left > 0: left -= os.write(1, data[:left])`;
const echo = ['sh', '-c', 'stty raw -echo; printf ready; exec cat'];
const echoes = 300;

function percentile(sorted: readonly number[], part: number): number {
  return Math.round((sorted[Math.floor((sorted.length - 1) * part)] ?? 0) * 1000) / 1000;
}

async function measureEcho(
  send: (text: string) => unknown,
  received: () => number,
): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  for (let turn = 0; turn < echoes; turn += 1) {
    await delay(3);
    const before = received();
    const start = performance.now();
    await send('x');
    while (received() === before) await new Promise((resolve) => setImmediate(resolve));
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

async function hostEcho() {
  let bytes = 0;
  const pty = spawn(echo[0] as string, echo.slice(1), { encoding: null });
  pty.onData((data: string | Uint8Array) => (bytes += data.length));
  await until('the program is ready', () => bytes >= 5);
  const result = await measureEcho(
    (text) => pty.write(text),
    () => bytes,
  );
  pty.kill();
  return result;
}

async function hostFlood(): Promise<number> {
  const start = performance.now();
  let bytes = 0;
  const pty = spawn('python3', ['-c', flood], { encoding: null });
  pty.onData((data: string | Uint8Array) => (bytes += data.length));
  await until('all came', () => bytes >= floodBytes, 60_000);
  return floodBytes / 1_048_576 / ((performance.now() - start) / 1000);
}

async function keeperEcho(keeper: TestKeeper) {
  const { terminalId } = await openTerminal(keeper);
  keeper.runProgram(terminalId, echo);
  let bytes = 0;
  let over = false;
  const reading = (async () => {
    while (!over) {
      const request = { terminalId, offset: bytes, maximumBytes: 65_536, waitMs: 1000 };
      bytes += (await keeper.channel.call('terminal.read', request)).payload.length;
    }
  })();
  await until('the program is ready', () => bytes >= 5);
  const send = (text: string) => {
    keeper.channel.call('terminal.input', { terminalId }, { payload: Buffer.from(text) }).catch((error: unknown) => {
      throw error;
    });
  };
  const result = await measureEcho(send, () => bytes);
  over = true;
  await reading;
  await keeper.channel.call('terminal.close', { terminalId });
  return result;
}

async function keeperFlood(keeper: TestKeeper): Promise<number> {
  const { terminalId } = await openTerminal(keeper);
  const start = performance.now();
  keeper.runProgram(terminalId, ['python3', '-c', flood]);
  for (let offset = 0; ; ) {
    try {
      const request = { terminalId, offset, maximumBytes: 1_048_576, waitMs: 1000 };
      const { reply, payload } = await keeper.channel.call('terminal.read', request);
      offset += payload.length;
      if (reply.ended) break;
    } catch (error) {
      if (!(error instanceof CasemateError) || error.code !== 'offset_trimmed') throw error;
      offset = Number(error.detail['spoolStart']);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const { end } = (await listed(keeper, terminalId)) ?? { end: 0 };
  await keeper.channel.call('terminal.close', { terminalId });
  return end / 1_048_576 / seconds;
}

const megabytes = (pid: number, file: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'latin1'))?.[1]) / 1024;
const cpuTicks = (pid: number): number =>
  readFileSync(`/proc/${pid}/stat`, 'latin1')
    .split(' ')
    .slice(13, 15)
    .reduce((sum, ticks) => sum + Number(ticks), 0);

const keeper = await startKeeper();
await keeper.stop('SIGTERM');
await keeper.start();
const memory = () => ({
  rssMiB: Math.round(megabytes(keeper.pid, 'status', 'VmRSS')),
  pssMiB: Math.round(megabytes(keeper.pid, 'smaps_rollup', 'Pss')),
});
const atStart = memory();
const host = { echoMs: await hostEcho(), floodMiBs: [await hostFlood(), await hostFlood()] };
const kept = { echoMs: await keeperEcho(keeper), floodMiBs: [await keeperFlood(keeper), await keeperFlood(keeper)] };
const idle = await openTerminal(keeper);
keeper.runProgram(idle.terminalId, ['cat']);
await delay(1500);
const before = cpuTicks(keeper.pid);
await delay(5000);
const idleTicks = cpuTicks(keeper.pid) - before;
console.log(
  JSON.stringify(
    { host, keeper: kept, memory: { atStart, afterFloods: memory() }, idleCpuTicksIn5s: idleTicks },
    null,
    1,
  ),
);
await keeper[Symbol.asyncDispose]();
process.exit(0);
