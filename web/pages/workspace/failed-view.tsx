import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { RotateCw, Trash2 } from 'lucide-react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { useCan } from '../../api/session.ts';
import { retryClone, workspaceQuery } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { shortSource } from '../workspaces/source.ts';
import { useDelete } from '../workspaces/use-delete.ts';
import { CloneLog } from './clone-view.tsx';

interface FailedViewProps {
  readonly workspace: Workspace;
  readonly lines: readonly string[];
}

/** Why a workspace could not be made, and the two ways on. */
export function FailedView({ workspace, lines }: FailedViewProps) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const can = useCan();
  const remove = useDelete();
  const retry = useMutation({
    mutationFn: () => retryClone(workspace.id),
    onSuccess: (changed) => client.setQueryData(workspaceQuery(workspace.id).queryKey, changed),
  });
  const discard = async () => {
    if (await remove(workspace)) await navigate({ to: '/workspaces', search: {} });
  };
  return (
    <section aria-labelledby="failed-title">
      <h1 id="failed-title" className="text-xl font-semibold tracking-tight">
        {workspace.name}
      </h1>
      {workspace.git && <p className="mt-0.5 text-sm text-muted">{shortSource(workspace.git.url)}</p>}
      <Notice
        tone="bad"
        title={workspace.git ? 'The repository could not be cloned' : 'The workspace could not be made'}
        className="mt-6"
      >
        <p>{workspace.failure ?? 'The server gave no reason.'}</p>
        <p className="mt-1">Nothing was left behind.</p>
      </Notice>
      {lines.length > 0 && <CloneLog lines={lines} />}
      {retry.error && (
        <Notice tone="bad" title="It could not be tried again" className="mt-3">
          {messageOf(retry.error)}
        </Notice>
      )}
      {can('workspace:write') && (
        <div className="mt-4 flex gap-2">
          <Button
            look="primary"
            icon={<RotateCw size={14} aria-hidden />}
            busy={retry.isPending && 'Trying again…'}
            onClick={() => retry.mutate()}
          >
            Try again
          </Button>
          <Button icon={<Trash2 size={14} aria-hidden />} onClick={() => void discard()}>
            Delete {workspace.name}
          </Button>
        </div>
      )}
    </section>
  );
}
