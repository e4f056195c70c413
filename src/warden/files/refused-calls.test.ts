import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import test from 'node:test';

/** What code that took over the process would try first; each answers with an error's name. */
const attempts = `
const { becomeShutIn } = await import('#kernel/process-identity.ts');
const { refuseCalls } = await import('#kernel/seccomp.ts');
const { callsRefusedToFileWork } = await import('#warden/files/refused-calls.ts');
const { spawnSync } = await import('node:child_process');
const { readFileSync, readdirSync, writeFileSync } = await import('node:fs');
const { connect } = await import('node:net');
becomeShutIn(process.argv[1], 7001000, 7001000);
refuseCalls(callsRefusedToFileWork());
const tried = (act) => { try { act(); return 'done'; } catch (error) { return error.code; } };
const dialled = (to) => new Promise((resolve) => connect(to).on('error', (error) => resolve(error.code)).on('connect', () => resolve('done')));
const said = {
  program: spawnSync('/bin/sh', ['-c', 'true']).error?.code,
  host: tried(() => readFileSync('/etc/passwd')),
  proc: tried(() => readdirSync('/proc')),
  write: tried(() => writeFileSync('/x', 'x')),
  root: tried(() => process.setuid(0)),
  signal: tried(() => process.kill(process.ppid, 'SIGTERM')),
  internet: await dialled({ host: '127.0.0.1', port: 9 }),
  unix: await dialled('/run/x.sock'),
  list: readdirSync('/'),
};
console.log(JSON.stringify(said));
process.exit(0);
`;

test('H6 what works on files can start nothing, reach nothing and become nobody once it is shut in', (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can shut a process in');
  const directory = mkdtempSync('/tmp/casemate-empty-');
  chmodSync(directory, 0o555);
  t.after(() => rmSync(directory, { recursive: true }));
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', attempts, directory], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: {},
  });
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(JSON.parse(run.stdout), {
    ...{ program: 'EPERM', host: 'ENOENT', proc: 'ENOENT', write: 'EACCES', root: 'EPERM', signal: 'EPERM' },
    ...{ internet: 'EPERM', unix: 'EPERM', list: [] },
  });
});
