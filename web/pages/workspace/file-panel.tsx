import { useIsFetching, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowDown, ArrowUp, GitBranch, RefreshCw } from 'lucide-react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { useCan } from '../../api/session.ts';
import { filesQuery } from '../../api/files.ts';
import { gitQuery, startSandbox, workspaceQuery } from '../../api/workspaces.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { FileTree } from './file-tree.tsx';

interface FilePanelProps {
  readonly workspace: Workspace;
  readonly selected: string | null;
  readonly onOpen: (path: string) => void;
}

/** Branch, then files. */
export function FilePanel({ workspace, selected, onOpen }: FilePanelProps) {
  const client = useQueryClient();
  const fetching = useIsFetching({ queryKey: ['workspace', workspace.id, 'files'] }) > 0;
  const { error } = useQuery(filesQuery(workspace.id, '.'));
  const refresh = () => {
    void client.invalidateQueries({ queryKey: ['workspace', workspace.id, 'files'] });
    void client.invalidateQueries({ queryKey: gitQuery(workspace.id).queryKey });
  };
  return (
    <>
      <div className="flex h-9 shrink-0 items-center gap-2 border-b pr-1 pl-3 pointer-coarse:h-11">
        <GitStrip workspace={workspace} />
        <IconButton label="Read the files again" className="!size-6 pointer-coarse:!size-10" onClick={refresh}>
          <RefreshCw size={13} className={fetching ? 'animate-breathe' : ''} />
        </IconButton>
      </div>
      <div className="min-h-0 flex-1 overflow-auto py-1">
        {error ? (
          <FilesUnavailable workspace={workspace} reason={messageOf(error)} onRetry={refresh} />
        ) : (
          <FileTree workspaceId={workspace.id} selected={selected} onOpen={onOpen} />
        )}
      </div>
    </>
  );
}

function GitStrip({ workspace }: { readonly workspace: Workspace }) {
  const { data: git } = useQuery(gitQuery(workspace.id));
  if (!git?.repository) {
    return (
      <p className="min-w-0 flex-1 truncate text-sm font-medium">
        {git ? 'Files' : (workspace.git?.branch ?? 'Files')}
      </p>
    );
  }
  const branch = git.branch ?? git.head?.slice(0, 8) ?? 'no branch';
  return (
    <div className="flex min-w-0 flex-1 items-center gap-2 text-xs text-muted">
      <span className="flex min-w-0 items-center gap-1.5 text-text" title={`Branch ${branch}`}>
        <GitBranch size={13} aria-hidden className="shrink-0 text-muted" />
        <span className="truncate text-sm font-medium">{branch}</span>
      </span>
      {git.dirty > 0 && (
        <span className="tabular shrink-0 text-warn" title={`${git.dirty} changed files are not committed`}>
          {git.dirty} changed
        </span>
      )}
      {git.ahead !== null && git.ahead > 0 && (
        <span className="tabular flex shrink-0 items-center" title={`${git.ahead} commits were not pushed`}>
          <ArrowUp size={12} aria-hidden />
          {git.ahead}
          <span className="sr-only">ahead</span>
        </span>
      )}
      {git.behind !== null && git.behind > 0 && (
        <span className="tabular flex shrink-0 items-center" title={`${git.behind} commits were not pulled`}>
          <ArrowDown size={12} aria-hidden />
          {git.behind}
          <span className="sr-only">behind</span>
        </span>
      )}
    </div>
  );
}

interface UnavailableProps {
  readonly workspace: Workspace;
  readonly reason: string;
  readonly onRetry: () => void;
}

function FilesUnavailable({ workspace, reason, onRetry }: UnavailableProps) {
  const client = useQueryClient();
  const can = useCan();
  const start = useMutation({
    mutationFn: () => startSandbox(workspace.id),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: workspaceQuery(workspace.id).queryKey });
      onRetry();
    },
  });
  const stopped = workspace.sandbox === null;
  return (
    <div className="flex flex-col items-start gap-3 px-3 py-3 text-sm text-muted">
      <p>{stopped ? 'The sandbox is stopped. Its files are kept, and shown while it runs.' : reason}</p>
      {stopped && can('workspace:run') ? (
        <Button size="small" busy={start.isPending && 'Starting…'} onClick={() => start.mutate()}>
          Start the sandbox
        </Button>
      ) : (
        <Button size="small" onClick={onRetry}>
          Try again
        </Button>
      )}
      {start.error && <p className="text-bad">{messageOf(start.error)}</p>}
    </div>
  );
}
