import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Plus, Search } from 'lucide-react';
import { useState } from 'react';
import type { Workspace } from '#contract/api.ts';
import { messageOf } from '../../api/problem.ts';
import { useCan } from '../../api/session.ts';
import { workspacesQuery } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Page } from '../../ui/page.tsx';
import { CreateDialog } from './create-dialog.tsx';
import { DeletedList } from './deleted-list.tsx';
import { EditDialog } from './edit-dialog.tsx';
import { EmptyWorkspaces } from './empty.tsx';
import { WorkspaceRow } from './row.tsx';
import { useDelete } from './use-delete.ts';

export function WorkspacesPage() {
  const { create } = useSearch({ from: '/signed-in/workspaces' });
  const navigate = useNavigate();
  const can = useCan();
  const remove = useDelete();
  const { data, error, isPending, refetch } = useQuery(workspacesQuery);
  const [filter, setFilter] = useState('');
  const [edited, setEdited] = useState<Workspace | null>(null);
  const mayWrite = can('workspace:write');
  const openCreate = () => void navigate({ to: '/workspaces', search: { create: true } });
  const wanted = filter.trim().toLowerCase();
  const shown = (data ?? [])
    .filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(wanted))
    .toSorted((a, b) => b.lastUsedAt.localeCompare(a.lastUsedAt));
  const running = (data ?? []).filter(({ sandbox }) => sandbox !== null).length;

  return (
    <Page
      title="Workspaces"
      {...(data && data.length > 0
        ? {
            lead: `${data.length === 1 ? 'One workspace' : `${data.length} workspaces`}, ${running === 0 ? 'none running' : `${running} running`}`,
          }
        : {})}
      actions={
        data &&
        data.length > 0 && (
          <div className="flex items-center gap-2">
            {data.length > 5 && (
              <div className="relative">
                <Search size={14} aria-hidden className="absolute top-1/2 left-2.5 -translate-y-1/2 text-faint" />
                <input
                  type="search"
                  aria-label="Filter workspaces"
                  placeholder="Filter"
                  value={filter}
                  onChange={(event) => setFilter(event.target.value)}
                  className="h-8 w-44 rounded-md border border-control-line bg-surface pr-2 pl-8 text-sm pointer-coarse:h-10 max-sm:text-lg"
                />
              </div>
            )}
            {mayWrite && (
              <Button look="primary" icon={<Plus size={15} aria-hidden />} onClick={openCreate}>
                New workspace
              </Button>
            )}
          </div>
        )
      }
    >
      {error && (
        <Notice
          tone="bad"
          title={data ? 'The list is no longer up to date' : 'The workspaces could not be listed'}
          className="mb-4"
          actions={
            <Button size="small" onClick={() => void refetch()}>
              Try again
            </Button>
          }
        >
          {messageOf(error)}
        </Notice>
      )}
      {isPending && <ListSkeleton />}
      {data?.length === 0 && <EmptyWorkspaces onCreate={mayWrite ? openCreate : undefined} />}
      {shown.length > 0 && (
        <ul className="rounded-lg border bg-surface">
          {shown.map((workspace) => (
            <WorkspaceRow
              key={workspace.id}
              workspace={workspace}
              mayWrite={mayWrite}
              onEdit={() => setEdited(workspace)}
              onDelete={() => void remove(workspace)}
            />
          ))}
        </ul>
      )}
      {data && data.length > 0 && shown.length === 0 && (
        <p className="py-12 text-center text-sm text-muted">No workspace matches the filter.</p>
      )}
      <DeletedList />
      {create && mayWrite && <CreateDialog onClose={() => void navigate({ to: '/workspaces', search: {} })} />}
      {edited && <EditDialog workspace={edited} onClose={() => setEdited(null)} />}
    </Page>
  );
}

function ListSkeleton() {
  return (
    <div role="status" className="rounded-lg border bg-surface">
      <span className="sr-only">Listing the workspaces…</span>
      {[0, 1, 2].map((row) => (
        <div key={row} className="flex items-center gap-3 border-b px-4 py-3 last:border-0">
          <span className="size-8 rounded-md bg-sunken animate-breathe" />
          <span className="h-3 w-40 rounded-full bg-sunken animate-breathe" />
        </div>
      ))}
    </div>
  );
}
