import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { programOf } from '#terminals/programs.ts';

test('a shell is a login shell, and a command line is the login shell’s', () => {
  assert.deepEqual(programOf({ program: 'shell' }).arguments, ['/bin/bash', '-l']);
  const { title, arguments: argv } = programOf({ program: 'claude', command: 'make test\n; echo "$(x)"' });
  assert.equal(title, 'make test ; echo "$(x)"');
  assert.deepEqual(argv, ['/bin/bash', '-lc', 'make test\n; echo "$(x)"']);
});

test('the script that starts an agent is one that bash can read', () => {
  for (const program of ['claude', 'codex'] as const) {
    const [shell, , script, ...rest] = programOf({ program }).arguments;
    assert.equal(shell, '/bin/bash');
    execFileSync('/bin/bash', ['-n', '-c', script ?? '', ...rest]);
    assert.equal(rest[1], program);
  }
});
