import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openHolder } from '#keeper/holder.ts';
import { holderProgram } from '#keeper/holder-program.ts';

test('H4 a holder is a program of one page that lets its user in where Yama would not, and sleeps', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'casemate-holder-'));
  const program = path.join(directory, 'holder');
  writeFileSync(program, holderProgram(), { mode: 0o755 });
  const child = spawn(program, [], { stdio: 'ignore', env: {} });
  const ended = once(child, 'exit');
  // `number` of pause(2) or ppoll(2), in which it waits.
  for (let tries = 0; tries < 100; tries += 1) {
    if (/^(?:34|73) /.test(readFileSync(`/proc/${child.pid}/syscall`, 'latin1'))) break;
    await delay(20);
  }
  assert.match(readFileSync(`/proc/${child.pid}/syscall`, 'latin1'), /^(?:34|73) /);
  // What it maps: itself, its stack, and what the kernel gives to all. No library.
  const mapped = readFileSync(`/proc/${child.pid}/maps`, 'latin1').trim().split('\n');
  const files = mapped.map((line) => line.trim().split(/\s+/)[5] ?? '').filter((file) => file.startsWith('/'));
  assert.deepEqual(files, [program]);
  assert.ok(
    mapped.every((line) => !/^\S+ .wx/.test(line)),
    'nothing is writable and executable',
  );
  child.kill('SIGKILL');
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  rmSync(directory, { recursive: true });
});

test('a pid that belongs to another process now is never taken for the holder', () => {
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'latin1');
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  assert.notEqual(openHolder({ pid: process.pid, startTicks }), undefined);
  assert.equal(openHolder({ pid: process.pid, startTicks: String(Number(startTicks) - 1) }), undefined);
  assert.equal(openHolder({ pid: 2 ** 22 + 1, startTicks }), undefined);
});
