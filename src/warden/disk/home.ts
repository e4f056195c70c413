import { constants } from 'node:fs';
import { chmod, chown, copyFile, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { guestUser } from '#warden/guest-user.ts';

/**
 * Makes `home/` of a new disk from the template's /etc/skel, with the directory `workspace` in it,
 * all owned by the sandbox's user. The disk is new and the template is root's, so no guest can race this.
 */
export async function makeHome(home: string, templateRoot: string, firstUid: number): Promise<void> {
  const uid = firstUid + guestUser.uid;
  const gid = firstUid + guestUser.gid;
  await copyTree(`${templateRoot}/etc/skel`, home, uid, gid);
  await mkdir(`${home}/workspace`, { mode: 0o755 });
  await chown(`${home}/workspace`, uid, gid);
  await chown(home, uid, gid);
  await chmod(home, 0o755);
}

async function copyTree(from: string, to: string, uid: number, gid: number): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  let names: string[];
  try {
    names = await readdir(from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const name of names) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    const stat = await lstat(source);
    if (stat.isDirectory()) await copyTree(source, target, uid, gid);
    else if (stat.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (stat.isFile()) {
      await copyFile(source, target, constants.COPYFILE_EXCL);
      await chmod(target, stat.mode & 0o777);
    } else continue;
    if (!stat.isSymbolicLink()) await chown(target, uid, gid);
  }
}
