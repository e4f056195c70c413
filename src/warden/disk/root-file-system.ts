import { chownSync, closeSync, mkdirSync, writeFileSync } from 'node:fs';
import { attachTree, cloneTree, mount, mountAttributes, mountFlags, setMountAttributes } from '#kernel/mount.ts';
import { abandonDisk, unmountDisk } from '#warden/disk/disk-image.ts';
import type { SandboxPaths } from '#warden/layout.ts';

export const guestHostName = 'sandbox';

/**
 * Mounts the sandbox's root: the template, idmapped into its range and read-only, below an overlay
 * whose upper directory lies on its scratch disk. The mapping is `userNamespaceFd`'s, of
 * `openUserNamespace`. Fresh: nothing of an earlier sandbox is in it.
 */
export function mountRoot(templateRoot: string, paths: SandboxPaths, firstUid: number, userNamespaceFd: number): void {
  const upper = `${paths.scratch}/upper`;
  const work = `${paths.scratch}/work`;
  for (const directory of [paths.lower, paths.root]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  mkdirSync(work, { recursive: true, mode: 0o700 });
  mkdirSync(upper, { mode: 0o755 });
  mkdirSync(`${upper}/etc`, { mode: 0o755 });
  const files = {
    hosts: `127.0.0.1 localhost ${guestHostName}\n::1 localhost ip6-localhost ip6-loopback\n`,
    'resolv.conf': '',
    hostname: `${guestHostName}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(`${upper}/etc/${name}`, text, { mode: 0o644 });
    chownSync(`${upper}/etc/${name}`, firstUid, firstUid);
  }
  for (const directory of [upper, `${upper}/etc`]) chownSync(directory, firstUid, firstUid);

  const { noSuid, noDevices, noExec, readOnly, idmap } = mountAttributes;
  const tree = cloneTree(templateRoot);
  try {
    setMountAttributes(tree, idmap | readOnly | noSuid | noDevices | noExec, userNamespaceFd);
    attachTree(tree, paths.lower);
  } finally {
    closeSync(tree);
  }
  mount(
    'overlay',
    paths.root,
    'overlay',
    mountFlags.noSuid | mountFlags.noDevices,
    `lowerdir=${paths.lower},upperdir=${upper},workdir=${work}`,
  );
}

/**
 * Unmounts what `mountRoot` and the disks made, topmost first. What is not mounted is passed over. What
 * was written to the scratch disk, and so to the root, may be lost: nobody will see it again.
 */
export function unmountAll(paths: SandboxPaths): void {
  abandonDisk(paths.scratch);
  for (const target of [paths.root, paths.lower, paths.disk, paths.scratch]) unmountDisk(target);
}
