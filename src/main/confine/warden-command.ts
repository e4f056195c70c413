import { nodeFlags } from '#config/process-memory.ts';
import { entryOf } from '#main/running-code.ts';

/**
 * The capabilities that the warden and the runtimes it starts use on the host (capabilities(7)); no program that
 * comes of it has others. Modules, the clock, reboots, raw I/O, raw sockets and the kernel's log are not among them.
 */
export const wardenCapabilities = [
  // Files, disks and homes of sandboxes, under their owners.
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'mknod',
  // Identities of sandboxes, of the broker, and of the runtime inside a user namespace.
  'setgid',
  'setuid',
  'setpcap',
  'setfcap',
  // Processes of sandboxes.
  'kill',
  'sys_ptrace',
  'sys_nice',
  'sys_resource',
  // Mounts, namespaces, loop devices, control groups, and their network.
  'sys_admin',
  'sys_chroot',
  'net_admin',
] as const;

/** How the warden is started: as root with a bounded set, and told to stop when its supervisor ends. */
export function wardenCommand(release: string, configFile: string): [string, ...string[]] {
  const bounded = ['-all', ...wardenCapabilities.map((name) => `+${name}`)].join(',');
  const program = [process.execPath, ...nodeFlags, entryOf(release, 'warden'), configFile];
  return ['setpriv', `--bounding-set=${bounded}`, '--inh-caps=-all', '--pdeathsig=SIGTERM', '--', ...program];
}
