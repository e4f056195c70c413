import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { programEnvironment } from '#warden/processes/run-program.ts';
import { idsPerRange } from '#warden/uid-ranges.ts';

/**
 * A user namespace that maps 0–65,535 to the range from `firstUid`, as a descriptor: the mapping for
 * idmapped mounts (mount_setattr(2)). The process that made it is gone when this returns.
 */
export async function openUserNamespace(firstUid: number): Promise<number> {
  const child = spawn('/usr/bin/unshare', ['--user', '/bin/cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: programEnvironment,
    cwd: '/',
  });
  // It may end before it reads; its exit says so.
  child.stdin.on('error', () => {});
  try {
    // cat answers only once unshare has made the namespace and become cat.
    const answer = Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(([status]) => Promise.reject(new Error(`unshare --user ended with ${status}`))),
    ]);
    child.stdin.write('\n');
    await answer;
    const mapping = `0 ${firstUid} ${idsPerRange}\n`;
    writeFileSync(`/proc/${child.pid}/uid_map`, mapping);
    writeFileSync(`/proc/${child.pid}/gid_map`, mapping);
    return openSync(`/proc/${child.pid}/ns/user`, 'r');
  } finally {
    child.kill('SIGKILL');
  }
}
