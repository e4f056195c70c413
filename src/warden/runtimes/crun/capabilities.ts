/**
 * What root has inside a sandbox: enough for package managers, over the sandbox's own uids only. No
 * SYS_ADMIN, NET_ADMIN, NET_RAW, MKNOD, SYS_PTRACE (H14). `user` has none.
 */
export const rootCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETGID',
  'CAP_SETUID',
] as const;

/** The five sets of an OCI process. Ambient and inheritable stay empty. */
export function capabilitySets(granted: readonly string[]): Record<string, readonly string[]> {
  return { bounding: granted, effective: granted, permitted: granted, inheritable: [], ambient: [] };
}
