import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { ArrowLeft } from 'lucide-react';
import { useEffect } from 'react';
import { parseId } from '#base/ids.ts';
import { ApiError, messageOf } from '../../api/problem.ts';
import { workspaceQuery } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { NotFound, PageLoading } from '../shell/states.tsx';
import { CloneView } from './clone-view.tsx';
import { DeletedView } from './deleted-view.tsx';
import { FailedView } from './failed-view.tsx';
import { useLiveWorkspace } from './live.ts';
import { Workbench } from './workbench.tsx';

export function WorkspacePage() {
  const { workspaceId } = useParams({ from: '/signed-in/workspaces/$workspaceId' });
  return parseId(workspaceId) === undefined ? <NotFound /> : <KnownWorkspace key={workspaceId} id={workspaceId} />;
}

function KnownWorkspace({ id }: { readonly id: string }) {
  const { data: workspace, error, refetch } = useQuery(workspaceQuery(id));
  const { live, clone } = useLiveWorkspace(id);
  useEffect(() => {
    if (!workspace) return undefined;
    document.title = `${workspace.name} · Casemate`;
    return () => {
      document.title = 'Casemate';
    };
  }, [workspace]);

  if (!workspace) {
    if (!error) return <PageLoading />;
    if (error instanceof ApiError && error.code === 'not_found') return <NotFound />;
    return (
      <div className="grid h-full place-items-center p-6">
        <Notice
          tone="bad"
          title="The workspace could not be opened"
          actions={
            <Button size="small" onClick={() => void refetch()}>
              Try again
            </Button>
          }
        >
          {messageOf(error)}
        </Notice>
      </div>
    );
  }
  if (workspace.state === 'ready') return <Workbench workspace={workspace} live={live} />;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto w-full max-w-[720px] px-4 py-6 sm:px-8 sm:py-10">
        <Link
          to="/workspaces"
          search={{}}
          className="mb-6 inline-flex h-8 items-center gap-1.5 rounded-md text-sm text-muted hover:text-text"
        >
          <ArrowLeft size={15} aria-hidden /> Workspaces
        </Link>
        {workspace.state === 'failed' && <FailedView workspace={workspace} lines={clone.lines} />}
        {workspace.state === 'deleted' && <DeletedView workspace={workspace} />}
        {(workspace.state === 'cloning' || workspace.state === 'creating') && (
          <CloneView workspace={workspace} clone={clone} live={live} />
        )}
      </div>
    </div>
  );
}
