import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { holderCommand, openHolder } from '#keeper/holder.ts';

test('a holder is sleep alone, and lets its user in first where Yama asks for that', async (t) => {
  assert.deepEqual(holderCommand(undefined, 'x64'), ['/usr/bin/sleep', 'infinity']);
  assert.deepEqual(holderCommand('0', 'x64'), ['/usr/bin/sleep', 'infinity']);
  const [program, ...rest] = holderCommand('1', process.arch) as [string, ...string[]];
  if (!existsSync(program)) return t.skip(`${program} is not installed`);
  // Without Yama the kernel answers EINVAL, at which the holder would not start: that part is left out there.
  const yama = existsSync('/proc/sys/kernel/yama/ptrace_scope');
  const child = spawn(program, yama ? rest : rest.map((part) => part.replace(/^syscall.*die \$!; /, '')));
  for (let tries = 0; tries < 100; tries += 1) {
    if (readFileSync(`/proc/${child.pid}/comm`, 'latin1').trim() === 'sleep') break;
    await delay(20);
  }
  assert.equal(readFileSync(`/proc/${child.pid}/comm`, 'latin1').trim(), 'sleep');
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('a pid that belongs to another process now is never taken for the holder', () => {
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'latin1');
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  assert.notEqual(openHolder({ pid: process.pid, startTicks }), undefined);
  assert.equal(openHolder({ pid: process.pid, startTicks: String(Number(startTicks) - 1) }), undefined);
  assert.equal(openHolder({ pid: 2 ** 22 + 1, startTicks }), undefined);
});
