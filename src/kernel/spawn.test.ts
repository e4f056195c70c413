import assert from 'node:assert/strict';
import { closeSync, openSync, readSync } from 'node:fs';
import test from 'node:test';
import { libc } from '#kernel/libc.ts';
import { pidfdExit, pidfdOpen } from '#kernel/pidfd.ts';
import { openPipe } from '#kernel/pipe.ts';
import { spawnProgram } from '#kernel/spawn.ts';

/** Answers a descriptor that is not closed on exec. */
const dup = libc.func('int dup(int fd)');

test('H1 a program gets descriptors 0–2 and the environment given, whatever leaks here', () => {
  const root = openSync('/', 'r');
  const leaked = dup(root) as number;
  const [input, output] = [openPipe(), openPipe()];
  closeSync(input.writeFd);
  const script = 'ls /proc/$$/fd; echo $MARK$HOME; pwd; exit 7';
  const pid = spawnProgram({
    program: '/bin/sh',
    parameters: ['-c', script],
    environment: ['PATH=/usr/bin:/bin', 'MARK=given'],
    streams: { stdin: input.readFd, stdout: output.writeFd, stderr: output.writeFd },
  });
  const pidfd = pidfdOpen(pid);
  closeSync(output.writeFd);
  const bytes = Buffer.alloc(4096);
  let text = '';
  for (let count = readSync(output.readFd, bytes); count > 0; count = readSync(output.readFd, bytes)) {
    text += bytes.toString('utf8', 0, count);
  }
  let exit = pidfdExit(pidfd);
  while (exit === undefined) exit = pidfdExit(pidfd);
  for (const fd of [root, leaked, input.readFd, output.readFd, pidfd]) closeSync(fd);
  assert.ok(leaked > 2, 'nothing was leaked, so nothing is tested');
  assert.match(text, /^0\n1\n2\ngiven\n\/\n$/);
  assert.deepEqual(exit, { exitCode: 7, signal: null });
});

test('a program that is not there is told', () => {
  const pipe = openPipe();
  const streams = { stdin: pipe.readFd, stdout: pipe.writeFd, stderr: pipe.writeFd };
  assert.throws(() => spawnProgram({ program: '/no/such', parameters: [], environment: [], streams }), {
    code: 'ENOENT',
  });
  for (const fd of [pipe.readFd, pipe.writeFd]) closeSync(fd);
});
