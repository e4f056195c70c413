import { closeSync, constants, openSync } from 'node:fs';
import { CasemateError } from '#contract/errors.ts';
import type { SandboxStatus } from '#contract/warden.ts';
import { pidfdSignal } from '#kernel/pidfd.ts';
import type { SandboxPaths } from '#warden/layout.ts';
import type { Runtime, RuntimeSandbox } from '#warden/runtimes/runtime.ts';
import type { SandboxRecord } from '#warden/sandboxes/sandbox-record.ts';

/**
 * A sandbox that runs, with what pins it: its init, its network namespace and its root are held by
 * descriptors taken while the init was known to live, and never looked up by pid again (H2).
 */
export interface LiveSandbox {
  readonly record: SandboxRecord;
  readonly paths: SandboxPaths;
  readonly runtime: Runtime;
  readonly runtimeSandbox: RuntimeSandbox;
  readonly initPidfd: number;
  readonly networkFd: number;
  readonly rootFd: number;
}

/** Pins a sandbox whose init is the process of `pidfd`. Throws `sandbox_failed` when that has ended. */
export function pinSandbox(
  from: Omit<LiveSandbox, 'initPidfd' | 'networkFd' | 'rootFd'>,
  pid: number,
  initPidfd: number,
): LiveSandbox {
  const networkFd = openSync(`/proc/${pid}/ns/net`, constants.O_RDONLY);
  const O_PATH = 0o10000000;
  let rootFd: number;
  try {
    rootFd = openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    closeSync(networkFd);
    throw error;
  }
  // The pid was this process's when both were opened only if the process still lives now.
  if (!pidfdSignal(initPidfd, 0)) {
    closeSync(networkFd);
    closeSync(rootFd);
    throw new CasemateError('sandbox_failed', 'The sandbox ended while it was started.');
  }
  return { ...from, initPidfd, networkFd, rootFd };
}

/** Lets go of the descriptors; without them the kernel can take the sandbox's mounts and namespaces away. */
export function unpinSandbox(sandbox: LiveSandbox): void {
  for (const fd of [sandbox.rootFd, sandbox.networkFd, sandbox.initPidfd]) closeSync(fd);
}

export function statusOf(record: SandboxRecord, state: SandboxStatus['state']): SandboxStatus {
  const { sandboxId, teamId, workspaceId, tier, template, startedMs } = record;
  return { sandboxId, teamId, workspaceId, state, tier, template, startedMs };
}
