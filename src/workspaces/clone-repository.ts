import { auditContext, type Grant } from '#access/grant.ts';
import { CasemateError } from '#contract/errors.ts';
import { parseGitBranch, parseGitUrl } from '#contract/git-url.ts';
import {
  lockWorkspace,
  updateWorkspace,
  type WorkspaceChange,
  type WorkspaceRow,
} from '#database/workspaces/workspace-store.ts';
import { explainCloneFailure } from '#workspaces/clone-failure.ts';
import { type CloneProgress, parseGitProgress, ProgressLines } from '#workspaces/git-progress.ts';
import { readGitStatus } from '#workspaces/git-status.ts';
import { runGit } from '#workspaces/run-git.ts';
import { removeRemains } from '#workspaces/remove-remains.ts';
import { workspaceDirectory, type WorkspaceContext } from '#workspaces/workspace-context.ts';

const timeoutMs = 3_600_000;
const keptOutput = 8192;
/** How long the broker's journal may take to say that it was the policy. */
const refusalDelayMs = 800;
const progressEveryMs = 100;

/** Why a clone did not come about, in words for the workspace's page. */
class CloneFailed extends Error {
  override readonly name = 'CloneFailed';
}

/**
 * Clones into the workspace's empty directory and ends in state `ready`, or `failed` with the reason
 * and nothing left of it: no files, no sandbox, no disk. Never rejects for a failed clone.
 */
export async function cloneRepository(
  context: WorkspaceContext,
  grant: Grant<'workspace:write'>,
  workspace: WorkspaceRow,
  signal: AbortSignal,
  onProgress: (progress: CloneProgress) => void,
): Promise<void> {
  const source = workspace.gitUrl ?? '';
  const fields = { workspaceId: workspace.id, source };
  try {
    const branch = await clone(context, grant, workspace, signal, onProgress);
    signal.throwIfAborted();
    const success = { event: 'workspace.cloned', outcome: 'success' } as const;
    await context.audit.record({ ...auditContext(grant), ...success, fields: { ...fields, name: workspace.name } });
    await settle(context, grant, workspace, {
      state: 'ready',
      failure: null,
      ...(branch ? { gitBranch: branch } : {}),
    });
  } catch (error) {
    const reason = reasonOf(context, error, signal);
    await removeRemains(context, workspace, 'the clone failed');
    await settle(context, grant, workspace, { state: 'failed', failure: reason });
    await context.audit.record({
      ...auditContext(grant),
      event: 'workspace.clone-failed',
      outcome: 'failed',
      fields: { ...fields, reason },
    });
  }
  context.hints.publish(workspace.id, { type: 'workspace' });
  context.hints.publish(workspace.id, { type: 'files' });
}

/** Writes the end of a clone down. A workspace that was deleted meanwhile stays so, and keeps the reason alone. */
async function settle(
  context: WorkspaceContext,
  grant: Grant<'workspace:write'>,
  { id }: WorkspaceRow,
  end: WorkspaceChange,
): Promise<void> {
  await context.database.withTenant(grant.scope, async (tx) => {
    const row = await lockWorkspace(tx, id);
    if (!row) return;
    const { state: _state, ...rest } = end;
    await updateWorkspace(tx, id, row.state === 'deleted' ? rest : end);
  });
}

async function clone(
  context: WorkspaceContext,
  grant: Grant<'workspace:write'>,
  workspace: WorkspaceRow,
  signal: AbortSignal,
  onProgress: (progress: CloneProgress) => void,
): Promise<string | null> {
  const git = parseGitUrl(workspace.gitUrl ?? '');
  const branch = workspace.gitBranch === null ? null : parseGitBranch(workspace.gitBranch);
  const watch = watchRefusals(context, workspace);
  try {
    onProgress({ type: 'clone', phase: 'Starting', percent: null, line: 'Starting a sandbox for the clone' });
    const sandbox = await context.sandboxes.ensure(grant, workspace.id, 'cloning');
    signal.throwIfAborted();
    const lines = new ProgressLines();
    let output = '';
    const tell = throttle(onProgress);
    const take = (line: string): void => {
      const progress = parseGitProgress(line);
      if (!progress) return;
      if (progress.percent === null) output = `${output}\n${progress.line}`.slice(-keptOutput);
      tell(progress);
    };
    const end = await runGit(context, grant, sandbox, {
      arguments: [
        'clone',
        '--progress',
        '--no-recurse-submodules',
        ...(branch === null ? [] : [`--branch=${branch}`]),
        '--',
        git.url,
        workspaceDirectory,
      ],
      workingDirectory: '/home/user',
      timeoutMs,
      signal,
      onOutput: (_stream, bytes) => lines.push(bytes).forEach(take),
    });
    lines.end().forEach(take);
    if (end.exitCode !== 0) {
      if (/40[37]|tunnel/.test(output)) await new Promise((resolve) => setTimeout(resolve, refusalDelayMs));
      throw new CloneFailed(explainCloneFailure({ ...end, git, branch, output, refusals: watch.refusals }));
    }
    return (await readGitStatus(context, grant, sandbox, signal)).branch;
  } finally {
    watch.stop();
  }
}

/** Collects what the broker refuses to this workspace, so that the reason can name it. */
function watchRefusals(
  context: WorkspaceContext,
  workspace: WorkspaceRow,
): { readonly refusals: { host: string; port: number; reason: string }[]; stop(): void } {
  const stop = new AbortController();
  const refusals: { host: string; port: number; reason: string }[] = [];
  const collect = async (): Promise<void> => {
    for await (const hint of context.hints.subscribe(workspace.id, stop.signal)) {
      if (hint.type === 'egress' && !hint.allowed && refusals.length < 100) {
        refusals.push({ host: hint.host, port: hint.port, reason: hint.reason });
      }
    }
  };
  collect().catch((error: unknown) => context.log.error({ err: error }, 'refusals of a clone were not watched'));
  return { refusals, stop: () => stop.abort() };
}

/** Lets through changes of phase, messages and ends at once, percentages ten times a second. */
function throttle(onProgress: (progress: CloneProgress) => void): (progress: CloneProgress) => void {
  let phase = '';
  let last = 0;
  return (progress) => {
    const now = performance.now();
    const due = progress.phase !== phase || progress.percent === 100 || now - last >= progressEveryMs;
    if (!due) return;
    phase = progress.phase;
    last = now;
    onProgress(progress);
  };
}

function reasonOf(context: WorkspaceContext, error: unknown, signal: AbortSignal): string {
  if (signal.aborted) {
    return signal.reason instanceof CasemateError
      ? signal.reason.message
      : 'The clone was cancelled. Nothing was kept.';
  }
  if (error instanceof CloneFailed) return error.message;
  if (error instanceof CasemateError) return `${error.message.replace(/\.?$/, '.')} Nothing was kept; try again.`;
  context.log.error({ err: error }, 'a clone failed for a reason that nobody foresaw');
  return 'Something went wrong on the server while cloning. Nothing was kept; try again.';
}
