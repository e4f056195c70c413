import { useQuery } from '@tanstack/react-query';
import { ArchiveRestore, ChevronRight } from 'lucide-react';
import { useState } from 'react';
import { deletedWorkspacesQuery } from '../../api/workspaces.ts';
import { Button } from '../../ui/button.tsx';
import { classNames } from '../../ui/class-names.ts';
import { fullTime, relativeTime } from '../../ui/time.ts';
import { useRestore } from './use-delete.ts';

/** What was deleted in the last seven days. Not shown when there is none. */
export function DeletedList() {
  const { data = [] } = useQuery(deletedWorkspacesQuery);
  const [open, setOpen] = useState(false);
  const restore = useRestore();
  if (data.length === 0) return null;
  return (
    <section className="mt-8">
      <h2>
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex h-8 items-center gap-1.5 rounded-md text-sm font-medium text-muted hover:text-text"
        >
          <ChevronRight size={14} className={classNames('transition-transform', open && 'rotate-90')} aria-hidden />
          Deleted, can be restored <span className="tabular text-faint">{data.length}</span>
        </button>
      </h2>
      {open && (
        <ul className="mt-2 rounded-lg border">
          {data.map((workspace) => (
            <li key={workspace.id} className="flex items-center gap-4 border-b px-4 py-2.5 last:border-0">
              <div className="min-w-0 flex-1">
                <p className="truncate text-sm font-medium">{workspace.name}</p>
                {workspace.purgeAt && (
                  <p className="text-xs text-muted" title={fullTime(workspace.purgeAt)}>
                    Removed for good {relativeTime(workspace.purgeAt)}
                  </p>
                )}
              </div>
              <Button size="small" icon={<ArchiveRestore size={14} />} onClick={() => void restore(workspace)}>
                Restore
              </Button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
