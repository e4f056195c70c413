import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { pidfdOpen } from '#kernel/pidfd.ts';
import { openPipe } from '#kernel/pipe.ts';
import { createExitWatch, type ExitWatch } from '#warden/processes/exit-watch.ts';
import type { Runtime, RuntimeProcess, RuntimeSandbox } from '#warden/runtimes/runtime.ts';

/** A runtime on a prepared sandbox: root mounted, disks mounted, nothing started. */
export interface RuntimeFixture extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly sandbox: RuntimeSandbox;
  /** Maps the range of the sandbox. */
  readonly userNamespaceFd: number;
  /** Reaps dead children of the sandbox's range that nobody watches. */
  reap(): void;
}

const program = (line: string, changes: Partial<RuntimeProcess> = {}): RuntimeProcess => ({
  arguments: ['/bin/sh', '-c', line],
  environment: ['PATH=/usr/bin:/bin', 'MARK=1'],
  workingDirectory: '/tmp',
  user: 'user',
  ...changes,
});

async function outputOf(fixture: RuntimeFixture, exits: ExitWatch, process: RuntimeProcess) {
  const [stdin, stdout] = [openPipe(), openPipe()];
  let pid: number;
  try {
    const streams = { stdin: stdin.readFd, stdout: stdout.writeFd, stderr: stdout.writeFd };
    pid = await fixture.runtime.execute(fixture.sandbox, process, streams);
  } catch (error) {
    closeSync(stdout.readFd);
    throw error;
  } finally {
    for (const fd of [stdin.readFd, stdin.writeFd, stdout.writeFd]) closeSync(fd);
  }
  const pidfd = pidfdOpen(pid);
  let text = '';
  for await (const bytes of new Socket({ fd: stdout.readFd })) text += String(bytes);
  const exit = await exits.ended(pidfd);
  closeSync(pidfd);
  return { text, exit, pid };
}

/** What every runtime must do, whatever isolates. One call a runtime, in its own test file. */
export function runtimeSuite(name: string, skip: string | false, prepare: () => Promise<RuntimeFixture>): void {
  describe(`the runtime ${name}`, { skip, timeout: 60_000 }, () => {
    it('starts, executes, tells exits and removes without a trace', async () => {
      await using fixture = await prepare();
      using exits = createExitWatch((error) => {
        throw error;
      });
      const { runtime, sandbox } = fixture;
      const init = await runtime.start(sandbox, fixture.userNamespaceFd);
      const initPidfd = pidfdOpen(init);
      const status = await readFile(`/proc/${init}/status`, 'utf8');
      assert.match(status, new RegExp(`^Uid:\\t${sandbox.firstUid}\\t`, 'm'), 'the init is not of the sandbox’s range');
      assert.match(status, /^NoNewPrivs:\t1$/m);

      const run = await outputOf(fixture, exits, program('id -u; pwd; echo $MARK; exit 9'));
      assert.deepEqual([run.text, run.exit], ['1000\n/tmp\n1\n', { exitCode: 9, signal: null }]);
      const root = await outputOf(fixture, exits, program('id -u; touch /usr/mine && echo made', { user: 'root' }));
      assert.equal(root.text, '0\nmade\n');
      const killed = await outputOf(fixture, exits, program('kill -KILL $$'));
      assert.deepEqual(killed.exit, { exitCode: null, signal: 'SIGKILL' });
      await assert.rejects(outputOf(fixture, exits, program('', { arguments: ['/no/such'] })), { code: 'not_found' });
      const limited = await outputOf(fixture, exits, program('grep -c . /proc/net/route; ls /proc/self/fd | wc -l'));
      assert.match(limited.text, /^1\n\d\n$/);

      const ended = exits.ended(initPidfd);
      const reaping = setInterval(() => fixture.reap(), 10);
      await runtime.remove(sandbox.id);
      assert.equal((await ended).signal, 'SIGKILL');
      clearInterval(reaping);
      closeSync(initPidfd);
      await runtime.remove(sandbox.id);
    });

    it('says sandbox_failed when it cannot start, and removes what it began', async () => {
      await using fixture = await prepare();
      const { sandbox } = fixture;
      const broken = { ...sandbox, paths: { ...sandbox.paths, root: '/nonexistent' } };
      await assert.rejects(fixture.runtime.start(broken, fixture.userNamespaceFd), { code: 'sandbox_failed' });
      await fixture.runtime.remove(broken.id);
    });
  });
}
