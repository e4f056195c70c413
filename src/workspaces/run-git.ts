import type { Grant } from '#access/grant.ts';
import type { RunningSandbox } from '#sandboxes/sandbox-context.ts';
import { workspaceDirectory, type WorkspaceContext } from '#workspaces/workspace-context.ts';

export interface GitRun {
  readonly arguments: readonly string[];
  readonly workingDirectory?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onOutput: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void;
}

export interface GitEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
}

/**
 * Settings that no repository can undo: no hooks, no helper programs, no transport but HTTP, no
 * questions. They bound surprises; what holds is that git runs inside the sandbox only (H15).
 */
const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.askPass=',
  'credential.helper=',
  'protocol.allow=never',
  'protocol.http.allow=always',
  'protocol.https.allow=always',
  'protocol.ext.allow=never',
  'protocol.file.allow=never',
  'submodule.recurse=false',
  'advice.detachedHead=false',
].flatMap((setting) => ['-c', setting]);

const environment = {
  GIT_ALLOW_PROTOCOL: 'http:https',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  LC_ALL: 'C.UTF-8',
  LANGUAGE: 'C',
};

/** Runs git inside the sandbox as its user, as argv. Aborting kills it and what it started (`cancelled`). */
export async function runGit(
  context: WorkspaceContext,
  grant: Grant,
  sandbox: RunningSandbox,
  run: GitRun,
): Promise<GitEnd> {
  const call = context.warden.open(
    'exec.run',
    {
      sandboxId: sandbox.sandboxId,
      teamId: sandbox.teamId,
      arguments: ['git', ...settings, ...run.arguments],
      workingDirectory: { path: run.workingDirectory ?? workspaceDirectory },
      environment: { ...(await context.sandboxes.environment(grant.scope)), ...environment },
      user: 'user',
      timeoutMs: run.timeoutMs,
    },
    run.signal ? { signal: run.signal } : {},
  );
  call.end();
  for await (const { header, payload } of call.items) {
    if (header.stream !== 'stdin') run.onOutput(header.stream, payload);
  }
  const { reply } = await call.done;
  return reply;
}
