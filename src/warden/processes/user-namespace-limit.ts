import { mustRun } from '#warden/processes/run-program.ts';

/**
 * Sets max_user_namespaces to 0 inside the sandbox of `pid` (H14), beside the filter that refuses the
 * calls. The limit belongs to a user namespace, so a short-lived program of the host enters that.
 */
export async function closeUserNamespaces(pid: number): Promise<void> {
  const write = 'echo 0 > /proc/sys/user/max_user_namespaces';
  await mustRun('/usr/bin/nsenter', [`--user=/proc/${pid}/ns/user`, '--', '/bin/sh', '-c', write]);
}
