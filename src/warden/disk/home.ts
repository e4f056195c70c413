import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { guestUser } from '#warden/guest-user.ts';

/**
 * Makes `home/` of a new disk from the template's /etc/skel, with the directory `workspace` in it,
 * all owned by the sandbox's user. The disk is new and the template is root's, so no guest can race this.
 * At once: these are a few small acts, and each would wait longer for its turn than it takes.
 */
export function makeHome(home: string, templateRoot: string, firstUid: number): void {
  const uid = firstUid + guestUser.uid;
  const gid = firstUid + guestUser.gid;
  copyTree(`${templateRoot}/etc/skel`, home, uid, gid);
  mkdirSync(`${home}/workspace`, { mode: 0o755 });
  chownSync(`${home}/workspace`, uid, gid);
  chownSync(home, uid, gid);
  chmodSync(home, 0o755);
}

function copyTree(from: string, to: string, uid: number, gid: number): void {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  let names: string[];
  try {
    names = readdirSync(from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const name of names) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    const stat = lstatSync(source);
    if (stat.isDirectory()) copyTree(source, target, uid, gid);
    else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (stat.isFile()) {
      copyFileSync(source, target, constants.COPYFILE_EXCL);
      chmodSync(target, stat.mode & 0o777);
    } else continue;
    if (!stat.isSymbolicLink()) chownSync(target, uid, gid);
  }
}
