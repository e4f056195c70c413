import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { pidfdOpen, pidfdSignal } from '#kernel/pidfd.ts';
import { openPipe } from '#kernel/pipe.ts';
import { spawnProgram } from '#kernel/spawn.ts';
import type { ExitWatch } from '#warden/processes/exit-watch.ts';
import { programVariables } from '#warden/processes/run-program.ts';
import { idsPerRange } from '#warden/uid-ranges.ts';

/** The limit belongs to the user namespace of whoever writes it; a line is said once it holds. */
const closeAndWait = 'echo 0 > /proc/sys/user/max_user_namespaces && echo && read -r line';
const SIGKILL = 9;

/**
 * A user namespace for one sandbox, as a descriptor: it maps 0–65,535 to the range from `firstUid`,
 * and no other can be made in it (max_user_namespaces 0, H14). It is the mapping of idmapped mounts
 * too (mount_setattr(2)). The process that made it is gone when this returns.
 */
export async function openUserNamespace(firstUid: number, exits: ExitWatch): Promise<number> {
  const [input, output] = [openPipe(), openPipe()];
  const said = new Socket({ fd: output.readFd, readable: true, writable: false });
  let pid: number;
  let pidfd: number;
  try {
    pid = spawnProgram({
      program: '/usr/bin/unshare',
      // The capabilities are over the new namespace only; without --keep-caps the shell would have none of them.
      parameters: ['--user', '--keep-caps', '/bin/sh', '-c', closeAndWait],
      environment: programVariables,
      streams: { stdin: input.readFd, stdout: output.writeFd, stderr: output.writeFd },
    });
    pidfd = pidfdOpen(pid);
  } catch (error) {
    said.destroy();
    closeSync(input.writeFd);
    throw error;
  } finally {
    closeSync(input.readFd);
    closeSync(output.writeFd);
  }
  const ended = exits.ended(pidfd);
  try {
    const [first] = (await Promise.race([once(said, 'data'), once(said, 'end')])) as [Buffer | undefined];
    // Anything but the empty line is the complaint of a program that failed.
    if (first?.toString('latin1') !== '\n')
      throw new Error(`no user namespace was made: ${first ?? 'no reason given'}`);
    const mapping = `0 ${firstUid} ${idsPerRange}\n`;
    writeFileSync(`/proc/${pid}/uid_map`, mapping);
    writeFileSync(`/proc/${pid}/gid_map`, mapping);
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } finally {
    pidfdSignal(pidfd, SIGKILL);
    said.destroy();
    closeSync(input.writeFd);
    await ended;
    closeSync(pidfd);
  }
}
