import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '#main/prepare/program.ts';
import type { DataPaths } from '#main/up/paths.ts';
import type { Identity, Users } from '#main/up/users.ts';

/** Runs a program where the machine's mounts are made: here, or outside the unit that this process is confined to. */
export type RunOnHost = (program: string, programArguments: readonly string[]) => Promise<string>;

const root: Identity = { uid: 0, gid: 0 };
const spoolMiB = 256;

/** Makes `path` with exactly this owner and mode; refuses what is there and is not a directory of root or its owner. */
function directory(path: string, owner: Identity, mode: number): void {
  if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
  const status = lstatSync(path);
  if (!status.isDirectory()) throw new Error(`${path} must be a directory; move away what is there`);
  if (status.uid !== 0 && status.uid !== owner.uid) {
    throw new Error(`${path} belongs to uid ${status.uid}, and must belong to root or to Casemate's own users`);
  }
  chownSync(path, owner.uid, owner.gid);
  chmodSync(path, mode);
}

/** Lays out the data directory. Owners and modes are the boundaries between the processes; see SECURITY.md. */
export async function makeDataDirectory(paths: DataPaths, users: Users, run: RunOnHost = runProgram): Promise<void> {
  mkdirSync(join(paths.root, '..'), { recursive: true, mode: 0o755 });
  const sharedWithServer = (owner: Identity): Identity => ({ uid: owner.uid, gid: users.server.gid });
  directory(paths.root, root, 0o711);
  directory(paths.release, root, 0o755);
  directory(paths.config, root, 0o711);
  directory(paths.log, root, 0o700);
  directory(paths.pg, users.pg, 0o700);
  directory(paths.pgPasswords, root, 0o700);
  directory(paths.warden, root, 0o700);
  directory(join(paths.warden, 'journal'), root, 0o700);
  directory(paths.signer, root, 0o700);
  directory(paths.keeper, users.keeper, 0o700);
  directory(join(paths.keeper, 'journal'), users.keeper, 0o700);
  directory(paths.broker, users.broker, 0o700);
  directory(join(paths.broker, 'journal'), users.broker, 0o700);
  directory(paths.server, users.server, 0o700);
  directory(join(paths.server, 'vault'), users.server, 0o700);
  directory(paths.recordings, sharedWithServer(users.keeper), 0o2750);
  directory(paths.run.root, root, 0o711);
  directory(paths.run.up, root, 0o700);
  directory(paths.run.warden, sharedWithServer(root), 0o2750);
  directory(paths.run.keeper, sharedWithServer(users.keeper), 0o2750);
  directory(paths.run.console, users.keeper, 0o700);
  directory(paths.run.broker, sharedWithServer(users.broker), 0o2750);
  directory(paths.run.server, users.server, 0o700);
  directory(paths.run.pg, sharedWithServer(users.pg), 0o2750);
  directory(paths.run.certificates, { uid: users.broker.uid, gid: users.acme.gid }, 0o2750);
  directory(paths.tls, root, 0o700);
  await mountSpool(paths, users.keeper, run);
}

export function isMountPoint(path: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === path);
}

/** What terminals print lies in memory, in the clear, until it is sealed; it must never reach a disk. */
async function mountSpool(paths: DataPaths, keeper: Identity, run: RunOnHost): Promise<void> {
  if (isMountPoint(paths.spool)) return;
  directory(paths.spool, root, 0o700);
  const options = `size=${spoolMiB}m,mode=0700,uid=${keeper.uid},gid=${keeper.gid},nosuid,nodev,noexec,noswap`;
  await run('mount', ['-t', 'tmpfs', '-o', options, 'casemate-spool', paths.spool]).catch(() =>
    // noswap came with Linux 6.4.
    run('mount', ['-t', 'tmpfs', '-o', options.replace(',noswap', ''), 'casemate-spool', paths.spool]),
  );
}
