import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { programEnvironment } from '#warden/processes/run-program.ts';
import { idsPerRange } from '#warden/uid-ranges.ts';

/** The limit belongs to the user namespace of whoever writes it; a line is said once it holds. */
const closeAndWait = 'echo 0 > /proc/sys/user/max_user_namespaces && echo && read -r line';

/**
 * A user namespace for one sandbox, as a descriptor: it maps 0–65,535 to the range from `firstUid`,
 * and no other can be made in it (max_user_namespaces 0, H14). It is the mapping of idmapped mounts
 * too (mount_setattr(2)). The process that made it is gone when this returns.
 */
export async function openUserNamespace(firstUid: number): Promise<number> {
  // The capabilities are over the new namespace only; without --keep-caps the shell would have none of them.
  const child = spawn('/usr/bin/unshare', ['--user', '--keep-caps', '/bin/sh', '-c', closeAndWait], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: programEnvironment,
    cwd: '/',
  });
  child.stdin.on('error', () => {});
  try {
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(([status]) => Promise.reject(new Error(`unshare --user ended with ${status}`))),
    ]);
    const mapping = `0 ${firstUid} ${idsPerRange}\n`;
    writeFileSync(`/proc/${child.pid}/uid_map`, mapping);
    writeFileSync(`/proc/${child.pid}/gid_map`, mapping);
    return openSync(`/proc/${child.pid}/ns/user`, 'r');
  } finally {
    child.kill('SIGKILL');
  }
}
