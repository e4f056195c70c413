import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const seccomp = fileURLToPath(new URL('./seccomp.ts', import.meta.url));

const attempt = `
import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { readFileSync } from 'node:fs';
const { denyExecve } = await import(process.argv[1]);
const early = new Worker("process.getBuiltinModule('node:worker_threads').parentPort.once('message', () => { const r = process.getBuiltinModule('node:child_process').spawnSync('/bin/true'); process.getBuiltinModule('node:worker_threads').parentPort.postMessage(r.error?.code ?? 'spawned'); process.exit(); })", { eval: true });
await new Promise((done) => early.once('online', done));
const before = spawnSync('/bin/true').status;
denyExecve();
const main = spawnSync('/bin/true').error?.code ?? 'spawned';
const late = await new Promise((done) => new Worker("process.getBuiltinModule('node:worker_threads').parentPort.postMessage(process.getBuiltinModule('node:child_process').spawnSync('/bin/true').error?.code ?? 'spawned')", { eval: true, execArgv: [] }).once('message', done));
const earlier = await new Promise((done) => { early.once('message', done); early.postMessage('go'); });
console.log(JSON.stringify({ before, main, late, earlier, status: readFileSync('/proc/self/status', 'utf8').match(/NoNewPrivs:\\s*(\\d)/)[1] }));
`;

test('H4 after denyExecve neither the main thread nor any Worker can start a program', () => {
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', attempt, seccomp], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(JSON.parse(run.stdout), { before: 0, main: 'EPERM', late: 'EPERM', earlier: 'EPERM', status: '1' });
});
