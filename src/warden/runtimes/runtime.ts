import type { Resources, Tier } from '#contract/warden.ts';
import type { SandboxPaths } from '#warden/layout.ts';

/** A sandbox as its runtime needs it: every path exists and is mounted. */
export interface RuntimeSandbox {
  readonly id: string;
  readonly paths: SandboxPaths;
  readonly firstUid: number;
  readonly resources: Resources;
  /** Bound at /home/user. */
  readonly home: string;
  /** Under the root of each cgroup hierarchy. */
  readonly cgroup: string;
}

export interface RuntimeProcess {
  readonly arguments: readonly string[];
  /** `NAME=value`, complete. */
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: 'user' | 'root';
}

/** Where a process's descriptors 0–2 lead. */
export type ProcessStreams =
  | { readonly stdin: number; readonly stdout: number; readonly stderr: number }
  | { readonly consoleSocket: string; readonly columns: number; readonly rows: number };

/**
 * An isolation tier: an OCI runtime. `runtime.suite.ts` says what each must do; to add one, add a
 * folder here and a row to `available-runtimes.ts`.
 */
export interface Runtime {
  readonly tier: Tier;
  /**
   * Starts the sandbox with its idle init in the user namespace of the descriptor, which stays the
   * caller's, and answers the pid of the init. Throws `sandbox_failed`.
   */
  start(sandbox: RuntimeSandbox, userNamespaceFd: number): Promise<number>;
  /**
   * Starts a process in the sandbox in a session of its own, and answers its pid; it
   * becomes a child of this process. Throws `not_found` when there is no such program in the sandbox.
   */
  execute(sandbox: RuntimeSandbox, process: RuntimeProcess, streams: ProcessStreams): Promise<number>;
  /** Ends every process of the sandbox and forgets it. Succeeds when there is none. */
  remove(id: string): Promise<void>;
}
