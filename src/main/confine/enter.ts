import os from 'node:os';
import type { Confinement } from '#config/confinement.ts';
import { nodeFlagsOf } from '#config/process-memory.ts';
import { restrictByLandlock } from '#kernel/landlock.ts';
import { dropPrivileges, forbidCoreDumps, setDeathSignal } from '#kernel/privileges.ts';
import { replaceProgram } from '#kernel/replace-program.ts';
import { becomeRoot } from '#kernel/root.ts';
import { denySurface } from '#kernel/seccomp.ts';
import { leaveNamespaces, namespaceFlags } from '#kernel/unshare.ts';
import { nodeFiles } from '#main/confine/node-files.ts';
import { buildTree } from '#main/confine/tree.ts';

/**
 * Builds the namespaces and the file system of `confinement` around this process, gives up root, and becomes the
 * program. Every step is the calling thread's; the other threads, which it does not reach, end at the last one.
 */
export function enterConfinement(confinement: Confinement): never {
  const node = nodeFiles();
  // Who starts this must not decide who may pass through the tree.
  process.umask(0o022);
  const { mount, ipc, network } = namespaceFlags;
  leaveNamespaces(mount | ipc | (confinement.network === 'own' ? network : 0));
  const tree = buildTree(confinement, node);
  becomeRoot(tree.directory);
  if (confinement.connects !== null) {
    restrictByLandlock({
      read: ['/'],
      change: confinement.writable,
      write: tree.devices,
      execute: node,
      connect: confinement.connects,
    });
  }
  forbidCoreDumps();
  process.umask(0o027);
  dropPrivileges(confinement);
  denySurface();
  if (confinement.deathSignal !== null) setDeathSignal(os.constants.signals[confinement.deathSignal]);
  const channel = channelDescriptor();
  replaceProgram({
    path: process.execPath,
    arguments: [process.execPath, ...nodeFlagsOf(confinement.youngMiB), ...confinement.program],
    environment: {
      ...confinement.environment,
      // As Node tells its children (child_process, `ipc`); the launcher's own has taken them out.
      ...(channel === undefined ? {} : { NODE_CHANNEL_FD: String(channel), NODE_CHANNEL_SERIALIZATION_MODE: 'json' }),
    },
    descriptors: [0, 1, 2, ...(channel === undefined ? [] : [channel])],
  });
}

/** Node's types do not know the channel's descriptor. */
function channelDescriptor(): number | undefined {
  const channel: unknown = process.channel;
  if (typeof channel !== 'object' || channel === null) return undefined;
  const fd: unknown = Reflect.get(channel, 'fd');
  if (typeof fd !== 'number' || fd < 3) throw new Error('the channel to the supervisor has no descriptor');
  return fd;
}
