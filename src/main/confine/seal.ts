import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { mountAttributes, setAttributesAt } from '#kernel/mount.ts';
import { enterMountNamespace } from '#kernel/namespace.ts';
import { holderPath } from '#main/confine/holder-path.ts';

/**
 * Forbids execution on every mount of a confined process but its holder's, once it has loaded what it runs: Node,
 * its loader and libraries stay in its memory and can be started by nobody there. Only as a process of its own,
 * since it moves its main thread into that process's mount namespace.
 */
export function sealPrograms(pid: number): void {
  if (!Number.isInteger(pid) || pid < 2) throw new RangeError('a pid is a number greater than 1');
  const namespace = openSync(`/proc/${pid}/ns/mnt`, constants.O_RDONLY);
  const executable = executableMounts(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
  // The host's own mounts would be among them: this process is not confined.
  if (!executable.includes(holderPath) || executable.includes('/')) throw new Error(`process ${pid} is not confined`);
  enterMountNamespace(namespace);
  closeSync(namespace);
  for (const path of executable) {
    if (path !== holderPath) setAttributesAt(path, { set: mountAttributes.noExec, clear: 0, recursive: false });
  }
}

/** Mount points without `noexec`, of proc(5)'s mountinfo. */
function executableMounts(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , , , point, options]) => point !== undefined && options?.split(',').includes('noexec') === false)
    .map(([, , , , point]) => unescape(point ?? ''));
}

/** Blanks and the like are octal there. */
function unescape(point: string): string {
  return point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
