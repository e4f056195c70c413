import { chmodSync, closeSync, existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Confinement } from '#config/confinement.ts';
import { holderProgram } from '#keeper/holder-program.ts';
import { attachTree, cloneTree, mount, mountAttributes, setAttributesAt, setMountAttributes } from '#kernel/mount.ts';
import { keepMountsHere } from '#kernel/root.ts';
import { holderPath } from '#main/confine/holder-path.ts';
import { nameFiles } from '#main/confine/name-files.ts';
import { mirrorLinks } from '#main/confine/mirror-links.ts';

const { readOnly, noSuid, noDevices, noExec } = mountAttributes;
const data = readOnly | noSuid | noDevices | noExec;
const executable = readOnly | noSuid | noDevices;
const changeable = noSuid | noDevices | noExec;
const device = readOnly | noSuid | noExec;
const devices: readonly string[] = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom'];
/** Always a directory, needed by nothing that is mounted here, and this namespace is ours alone. */
const stage = '/proc';

export interface Tree {
  /** Becomes the root. */
  readonly directory: string;
  readonly devices: readonly string[];
}

/**
 * Builds the file system of a confined process in this mount namespace, out of what lies at the same paths of the
 * host: Node read-only, code and configuration read-only without execution, its directories without execution, a
 * few devices, and nothing else. The calling thread must have left the host's mount namespace.
 */
export function buildTree(confinement: Confinement, node: readonly string[]): Tree {
  keepMountsHere(stage);
  mount('casemate', stage, 'tmpfs', changeable, 'size=1m,nr_inodes=4096,mode=0755');
  const bound = new Set<string>();
  const show = (path: string, attributes: number): void => {
    const real = mirrorLinks(path, stage);
    if (bound.has(real)) return;
    bound.add(real);
    const source = cloneTree(real);
    try {
      setMountAttributes(source, attributes);
      makeTarget(real);
      attachTree(source, `${stage}${real}`);
    } finally {
      closeSync(source);
    }
  };
  const showIfThere = (path: string): void => {
    if (existsSync(path)) show(path, data);
  };
  // Outer trees first: what lies within them is mounted on them.
  for (const path of [...confinement.readable].toSorted()) showIfThere(path);
  for (const path of [...confinement.writable].toSorted()) show(path, changeable);
  for (const path of ['/etc/ld.so.cache', '/etc/localtime']) showIfThere(path);
  if (confinement.resolvesNames) for (const path of nameFiles) showIfThere(path);
  for (const path of node) show(path, executable);
  for (const path of devices) show(path, device);
  if (confinement.startsHolders) {
    showOwnProcesses();
    placeHolder();
  }
  setAttributesAt(stage, { set: data, clear: 0, recursive: false });
  return { directory: stage, devices };
}

/** The point at which a file or directory is mounted. Within a tree that is mounted already it is there. */
function makeTarget(path: string): void {
  const target = `${stage}${path}`;
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  if (lstatSync(path).isDirectory()) mkdirSync(target);
  else writeFileSync(target, '');
}

/** A /proc of nothing but processes, read-only, in which others than one's own user's are not there (proc(5)). */
function showOwnProcesses(): void {
  mkdirSync(`${stage}/proc`);
  mount('proc', `${stage}/proc`, 'proc', data, 'hidepid=2,subset=pid');
}

function placeHolder(): void {
  const file = `${stage}${holderPath}`;
  writeFileSync(file, holderProgram());
  chmodSync(file, 0o555);
  const source = cloneTree(file);
  try {
    setMountAttributes(source, executable, 0, noExec);
    attachTree(source, file);
  } finally {
    closeSync(source);
  }
}
